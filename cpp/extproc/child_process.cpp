#include "extproc/child_process.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "base/how_it_ended.hpp"
#include "base/text.hpp"

namespace scabbard::extproc {
namespace {

struct Ends {
  Descriptor ours;
  Descriptor childs;
};

// A write to a socket whose other end has gone can be kept from raising SIGPIPE.
std::optional<Ends> make_stream() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return std::nullopt;
  return Ends{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::unexpected<Error> failed(const std::string& program, int number) {
  return fail(ErrorCode::kUnavailable,
              fmt::format("start {}: {}", quote(program), std::generic_category().message(number)));
}

// Between fork and exec, where only what is safe in a signal handler may be called. Returns where something failed.
void become(char* const* arguments, const char* folder, int input, int output, pid_t parent) {
  // By fork() and not posix_spawn(), which knows nothing of this signal. The parent may have gone before it was asked
  // for.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) return;
  ::setpgid(0, 0);
  if (::dup2(input, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::chdir(folder) != 0) return;
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::execv(arguments[0], arguments);
}

}  // namespace

Result<ChildProcess> start_child(const std::vector<std::string>& command, const std::string& folder) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  auto requests = make_stream();
  auto answers = make_stream();
  auto failure = make_stream();
  if (!requests || !answers || !failure) return failed(command.front(), errno);
  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process < 0) return failed(command.front(), errno);
  if (process == 0) {
    become(arguments.data(), folder.c_str(), requests->childs.get(), answers->childs.get(), parent);
    const int number = errno;
    std::ignore = ::write(failure->childs.get(), &number, sizeof number);
    ::_exit(127);
  }
  ::setpgid(process, process);  // whoever of the two comes first
  failure->childs.reset();
  int number = 0;
  const bool has_failed = ::read(failure->ours.get(), &number, sizeof number) == sizeof number;
  // The header of Debian 12 declares pidfd_open() for C only.
  Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (has_failed || !handle) {
    if (!has_failed) number = errno;
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
    return failed(command.front(), number);
  }
  return ChildProcess{.process = process,
                      .handle = std::move(handle),
                      .input = std::move(requests->ours),
                      .output = std::move(answers->ours)};
}

std::string reap(const ChildProcess& child) {
  int status = 0;
  while (::waitpid(child.process, &status, 0) < 0) {
    if (errno != EINTR) return "has ended";
  }
  return how_it_ended(status);
}

}  // namespace scabbard::extproc
