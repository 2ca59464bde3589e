// The stock prover's supervision, on shell scripts that play it.
#include "extproc/delegate.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "base/descriptor.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::extproc {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* kReady = "echo 'window_post processor ready'\n";
// Answers each request with the number of its life and its folder.
constexpr const char* kAnswer = R"(id=${line#*:}; echo "{\"id\":${id%%,*},\"err_msg\":null,\"output\":\"life $life\"}")"
                                "\n";

class DelegateTest : public ::testing::Test {
 protected:
  // A program with a file of its own, in which `life` counts its starts.
  std::vector<std::string> script(const std::string& text) {
    const std::string path = folder_ / "prover";
    std::ofstream(path) << "#!/bin/sh\necho >>" << folder_ / "lives" << "\nlife=$(wc -l <" << folder_ / "lives" << ")\n"
                        << text;
    fs::permissions(path, fs::perms::owner_all);
    return {path};
  }
  static std::string reading(const std::string& each) { return "while read -r line; do\n" + each + "done\n"; }

  std::unique_ptr<Delegate> started(const std::string& text, Clock::Duration ready_within = 1min) {
    return started(script(text), ready_within);
  }
  // Of one that never gets ready.
  std::unique_ptr<Delegate> started_in_vain(std::vector<std::string> command, Clock::Duration ready_within = 1min) {
    return started(std::move(command), ready_within, 300ms);
  }
  std::unique_ptr<Delegate> started(std::vector<std::string> command, Clock::Duration ready_within = 1min,
                                    Clock::Duration start_within = 1min) {
    return std::make_unique<Delegate>(DelegateOptions{.command = std::move(command),
                                                      .stage = "window_post",
                                                      .folder = folder_.string(),
                                                      .ready_within = ready_within,
                                                      .start_within = start_within,
                                                      .first_pause = 10ms});
  }

  const TemporaryFolder folder_{TemporaryFolder::Where::kMemory};
  const Context ctx_ = Context().with_timeout(1min);
};

TEST_F(DelegateTest, Answers) {
  const auto delegate = started(kReady + reading(kAnswer));
  EXPECT_THAT(delegate->ask(ctx_, {{"a", 1}}), Gives(json("life 1")));
  EXPECT_THAT(delegate->ask(ctx_, {{"a", 2}}), Gives(json("life 1")));
}

TEST_F(DelegateTest, An_error_of_its_own_is_an_error) {
  const auto delegate = started(kReady + reading(R"(echo '{"id":1,"err_msg":"no parameters","output":null}')"
                                                 "\n"));
  EXPECT_THAT(delegate->ask(ctx_, 1), FailsSaying(ErrorCode::kIo, "no parameters"));
}

TEST_F(DelegateTest, Works_in_the_folder_that_it_is_given) {
  const auto delegate = started(kReady + reading(R"(echo "{\"id\":1,\"err_msg\":null,\"output\":\"$(pwd)\"}")"
                                                 "\n"));
  EXPECT_THAT(delegate->ask(ctx_, 1), Gives(json(fs::canonical(folder_.path()).string())));
}

TEST_F(DelegateTest, A_long_request_reaches_it_whole) {
  const auto delegate = started(kReady + reading(R"(echo "{\"id\":1,\"err_msg\":null,\"output\":${#line}}")"
                                                 "\n"));
  const auto length = delegate->ask(ctx_, std::string(3'000'000, 'x'));
  ASSERT_THAT(length, Succeeds());
  EXPECT_GT(length->get<int>(), 3'000'000);
}

TEST_F(DelegateTest, One_that_dies_over_a_request_is_started_and_asked_once_more) {
  const auto delegate = started(kReady + reading("[ $life = 1 ] && kill -KILL $$\n" + std::string(kAnswer)));
  EXPECT_THAT(delegate->ask(ctx_, 1), Gives(json("life 2")));
}

TEST_F(DelegateTest, One_that_dies_over_it_again_is_an_error) {
  const auto delegate = started(kReady + reading("exit 3\n"));
  EXPECT_THAT(delegate->ask(ctx_, 1), FailsSaying(ErrorCode::kUnavailable, "ended with exit status 3"));
}

TEST_F(DelegateTest, An_answer_gone_wrong_ends_it_and_the_request_is_sent_once_more) {
  const auto delegate =
      started(kReady + reading("[ $life = 1 ] && echo '{\"id\":' && continue\n" + std::string(kAnswer)));
  EXPECT_THAT(delegate->ask(ctx_, 1), Gives(json("life 2")));
}

// As damocles' own parent does.
TEST_F(DelegateTest, Whatever_else_it_says_is_passed_over) {
  const auto delegate = started("echo 'NVRM: hello'\n" + std::string(kReady) +
                                reading("echo 'cuda says hello'\n"
                                        "echo '{\"id\":99,\"err_msg\":null,\"output\":1}'\n" +
                                        std::string(kAnswer)));
  EXPECT_THAT(delegate->ask(ctx_, 1), Gives(json("life 1")));
}

TEST_F(DelegateTest, One_that_dies_before_it_is_ready_is_started_again) {
  const auto delegate = started("[ $life = 1 ] && exit 1\n" + (kReady + reading(kAnswer)));
  EXPECT_THAT(delegate->ask(ctx_, 1), Gives(json("life 2")));
}

TEST_F(DelegateTest, One_that_never_gets_ready_is_an_error) {
  const auto delegate = started_in_vain(script("exit 4\n"));
  EXPECT_THAT(delegate->ask(ctx_, 1), FailsSaying(ErrorCode::kUnavailable, "ended with exit status 4"));
}

TEST_F(DelegateTest, One_that_does_not_say_so_in_time_is_an_error) {
  const auto delegate = started_in_vain(script("exec cat\n"), 100ms);
  EXPECT_THAT(delegate->ask(ctx_, 1), FailsSaying(ErrorCode::kUnavailable, "did not say in time that it is ready"));
}

TEST_F(DelegateTest, A_late_answer_is_passed_over) {
  const auto delegate = started(kReady + reading("[ -e late ] || { : >late; sleep 1; }\n" + std::string(kAnswer)));
  EXPECT_THAT(delegate->ask(Context().with_timeout(200ms), 1), FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_THAT(delegate->ask(ctx_, 2), Gives(json("life 1")));
}

TEST_F(DelegateTest, One_that_answers_nothing_any_more_is_started_again) {
  const auto delegate = started(kReady + reading("[ $life = 1 ] && continue\n" + std::string(kAnswer)));
  auto answer = delegate->ask(Context().with_timeout(100ms), 1);
  EXPECT_THAT(answer, FailsWith(ErrorCode::kDeadlineExceeded));
  while (!answer && !ctx_.ended()) answer = delegate->ask(Context().with_timeout(100ms), 2);
  EXPECT_THAT(answer, Gives(json("life 2")));
}

TEST_F(DelegateTest, A_request_whose_time_is_over_costs_the_others_nothing) {
  const auto delegate = started(kReady + reading(kAnswer));
  EXPECT_THAT(delegate->ask(ctx_, 1), Gives(json("life 1")));
  EXPECT_THAT(delegate->ask(Context().with_timeout(0ms), 2), FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_THAT(delegate->ask(ctx_, 3), Gives(json("life 1")));
}

TEST_F(DelegateTest, Several_are_asked_at_a_time) {
  const auto delegate = started(kReady + reading(kAnswer));
  std::vector<std::future<Result<json>>> answers;
  for (int i = 0; i < 20; ++i) {
    answers.push_back(std::async(std::launch::async, [&] { return delegate->ask(ctx_, std::string(10'000, 'x')); }));
  }
  for (auto& answer : answers) EXPECT_THAT(answer.get(), Gives(json("life 1")));
}

TEST_F(DelegateTest, It_goes_with_its_children) {
  const std::string pid_file = folder_ / "pid";
  Descriptor child;
  {
    const auto delegate = started("sleep 1000 &\necho $! >" + pid_file + "\n" + kReady + reading(kAnswer));
    ASSERT_THAT(delegate->ask(ctx_, 1), Succeeds());
    pid_t process = 0;
    std::ifstream(pid_file) >> process;
    child = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
    ASSERT_TRUE(child);
  }
  struct pollfd ended = {.fd = child.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
}

TEST_F(DelegateTest, A_program_that_is_nowhere_is_named_with_where_it_was_looked_for) {
  EXPECT_THAT(find_program({"no-such-prover"}), FailsSaying(ErrorCode::kNotFound, "it is in none of /"));
  EXPECT_THAT(find_program({"/no/such/prover"}), FailsSaying(ErrorCode::kNotFound, "no executable file"));
  EXPECT_THAT(find_program({"sh", "-c"}), Succeeds());
}

TEST_F(DelegateTest, This_program_is_not_its_own_delegate) {
  EXPECT_THAT(find_program({fs::canonical("/proc/self/exe")}), FailsSaying(ErrorCode::kInvalidArgument, "itself"));
}

TEST_F(DelegateTest, A_missing_program_is_an_error_until_it_is_there) {
  const auto delegate = started_in_vain({folder_ / "prover"});
  EXPECT_THAT(delegate->ask(ctx_, 1), FailsSaying(ErrorCode::kUnavailable, "no executable file"));
  script(kReady + reading(kAnswer));
  EXPECT_THAT(delegate->ask(ctx_, 1), Gives(json("life 1")));
}

}  // namespace
}  // namespace scabbard::extproc
