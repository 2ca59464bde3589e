#include "store/s3/credential_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child_process.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::s3 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Result<std::string> shell(const std::string& script, const Context& ctx = {}) {
  return run_program(ctx, {"sh", "-c", script});
}

TEST(RunProgramTest, Gives_what_was_written_to_standard_output) {
  EXPECT_THAT(shell("echo out; echo hidden >&2; cat"), Gives(std::string("out\n")));
}

TEST(RunProgramTest, Takes_output_that_does_not_fit_into_a_pipe) {
  EXPECT_EQ(value_of(shell("head -c 300000 /dev/zero")).size(), 300000U);
  EXPECT_THAT(shell("cat /dev/zero"), FailsSaying(ErrorCode::kUnavailable, "more than 1 MiB"));
}

TEST(RunProgramTest, A_failure_names_the_program_and_how_it_ended_and_no_more) {
  auto result = shell("echo hunter2; echo hunter2 >&2; exit 3");
  ASSERT_THAT(result, FailsSaying(ErrorCode::kUnavailable, "credential_process \"sh\": ended with exit status 3"));
  EXPECT_THAT(result.error().message, Not(HasSubstr("hunter2")));
  EXPECT_THAT(shell("kill -KILL $$"), FailsSaying(ErrorCode::kUnavailable, "was killed by signal 9"));
  EXPECT_THAT(run_program({}, {"/no/such/program", "hunter2"}),
              FailsSaying(ErrorCode::kUnavailable, "\"/no/such/program\": No such file or directory"));
}

TEST(RunProgramTest, Is_killed_with_its_children_when_the_context_ends) {
  TemporaryFolder folder;
  std::string fifo = (folder / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  int held_by_child = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT_THAT(shell("sleep 1000 >'" + fifo + "'; true", Context().with_timeout(300ms)),
              FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  pollfd closed{.fd = held_by_child, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&closed, 1, 10'000), 1) << "its child is left";
  ::close(held_by_child);
}

TEST(RunProgramTest, May_close_its_output_before_it_ends) {
  EXPECT_THAT(shell("echo out; exec >&-; exit 4"), FailsSaying(ErrorCode::kUnavailable, "exit status 4"));
  EXPECT_THAT(shell("exec >&-; exec sleep 1000", Context().with_timeout(100ms)),
              FailsWith(ErrorCode::kDeadlineExceeded));
}

TEST(RunProgramTest, Starts_with_no_descriptor_of_the_host) {
  int inherited = ::open("/dev/null", O_RDONLY);
  ASSERT_GE(inherited, 0);
  std::string open = value_of(shell("ls /proc/$$/fd"));
  ::close(inherited);
  EXPECT_EQ(open, "0\n1\n2\n");
}

TEST(RunProgramTest, Starts_with_no_signal_blocked_or_ignored) {
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  auto* old_handler = ::signal(SIGPIPE, SIG_IGN);
  auto blocked = shell("kill -TERM $$");
  auto ignored = shell("kill -PIPE $$");
  ::signal(SIGPIPE, old_handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(blocked, FailsSaying(ErrorCode::kUnavailable, "signal 15"));
  EXPECT_THAT(ignored, FailsSaying(ErrorCode::kUnavailable, "signal 13"));
}

TEST(RunProgramTest, Leaves_no_descriptor_behind) {
  EXPECT_THAT(shell("true"), Succeeds());
  std::size_t before = open_descriptor_count();
  EXPECT_THAT(shell("true"), Succeeds());
  EXPECT_THAT(run_program({}, {"/no/such/program"}), FailsWith(ErrorCode::kUnavailable));
  EXPECT_EQ(open_descriptor_count(), before);
}

}  // namespace
}  // namespace scabbard::s3
