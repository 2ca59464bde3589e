#include "store/s3/credential_process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/descriptor.hpp"
#include "base/how_it_ended.hpp"
#include "base/text.hpp"

namespace scabbard::s3 {
namespace {

// How long a wait for the program may go on before the context is looked at.
constexpr int kLookMilliseconds = 20;
constexpr std::size_t kMostOutput = std::size_t{1} << 20;

std::string reason(int code) {
  std::array<char, 256> room;
  return ::strerror_r(code, room.data(), room.size());
}

// What the program starts with: none of the host's descriptors and signal settings, and a process group of its own,
// so that what it starts ends with it.
class Start {
 public:
  explicit Start(int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Start() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;

  // 0, or an errno.
  int run(const std::vector<std::string>& words, pid_t& process) const {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    return ::posix_spawnp(&process, arguments.front(), &actions_, &attributes_, arguments.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// A program that was started. Killed and waited for at the end, unless it ended itself.
class Program {
 public:
  Program(pid_t process, int output) : process_(process), output_(output) {}
  ~Program() {
    // Where the host ignores SIGCHLD the kernel may have forgotten it, and given its number to another.
    if (ended_ || ::waitpid(process_, nullptr, WNOHANG) != 0) return;
    ::kill(-process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Appends what there is within a short while; false at the end of the output.
  bool read_some(std::string& text) {
    pollfd ready{.fd = output_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kLookMilliseconds) <= 0) return true;
    std::array<char, 4096> block;
    ssize_t got = ::read(output_.get(), block.data(), block.size());
    if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR);
  }

  // The exit status once it has ended, waited for a short while.
  std::optional<int> status() {
    int status = 0;
    pid_t found = ::waitpid(process_, &status, WNOHANG);
    if (found == 0) {
      ::poll(nullptr, 0, kLookMilliseconds);
      return std::nullopt;
    }
    ended_ = true;
    // A host that ignores SIGCHLD has the kernel forget how its children ended; then the output decides.
    return found < 0 ? 0 : status;
  }

 private:
  pid_t process_;
  Descriptor output_;
  bool ended_ = false;
};

std::unexpected<Error> wrong(const std::vector<std::string>& words, std::string_view what) {
  return fail(ErrorCode::kUnavailable, fmt::format("credential_process {}: {}", quote(words.front()), what));
}

}  // namespace

Result<std::string> run_program(const Context& ctx, const std::vector<std::string>& words) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return wrong(words, reason(errno));
  pid_t process = -1;
  {
    Descriptor write_end(ends[1]);
    if (int code = Start(write_end.get()).run(words, process); code != 0) {
      ::close(ends[0]);
      return wrong(words, reason(code));
    }
  }
  Program program(process, ends[0]);
  std::string output;
  std::optional<int> status;
  for (bool open = true; !status;) {
    if (auto ended = ctx.ended()) {
      return fail(*ended, fmt::format("credential_process {}: {}", quote(words.front()), to_string(*ended)));
    }
    if (output.size() > kMostOutput) return wrong(words, "wrote more than 1 MiB");
    if (open) {
      open = program.read_some(output);
    } else {
      status = program.status();
    }
  }
  if (*status != 0) {
    return wrong(words, how_it_ended(*status) + (WIFSIGNALED(*status) ? "" : "; run it by hand to see why"));
  }
  return output;
}

}  // namespace scabbard::s3
