#include "fault/frozen_mount.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <tuple>
#include <vector>

namespace scabbard {
namespace {

constexpr int kStartLimit = 10'000;  // milliseconds
constexpr std::chrono::seconds kHelperLimit{2};
constexpr std::chrono::milliseconds kPollInterval{5};

// Runs a program, its standard output to `output`; -1 where it cannot be started.
pid_t spawn(const std::vector<std::string>& command, int output) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t process = -1;
  const int failed = ::posix_spawnp(&process, arguments.front(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? process : -1;
}

// False where the other end is closed, or silent for too long.
bool ready_line(int from) {
  pollfd readable = {.fd = from, .events = POLLIN, .revents = 0};
  char first = 0;
  return ::poll(&readable, 1, kStartLimit) == 1 && ::read(from, &first, 1) == 1;
}

}  // namespace

FrozenMount::FrozenMount() : path_(folder_ / "mount"), backing_(folder_ / "backing") {
  std::filesystem::create_directory(path_);
  std::filesystem::create_directory(backing_);
  // Mounted only for as long as it takes to open it: a test that is killed leaves nothing behind.
  if (::mount("fusectl", path_.c_str(), "fusectl", 0, nullptr) != 0) return;
  control_ = ::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  ::umount2(path_.c_str(), MNT_DETACH);
}

FrozenMount::~FrozenMount() {
  watchdog_ = {};
  end(daemon_);
  end(unmounted_);
  // The daemon's own helper unmounts; where it is late, or was told not to, the mount is taken away here.
  const auto patience = std::chrono::steady_clock::now() + kHelperLimit;
  while (remains_ == Remains::kNothing && is_mounted() && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(kPollInterval);
  }
  while (is_mounted() && std::chrono::steady_clock::now() < patience + kHelperLimit) unmount();
  if (control_ >= 0) ::close(control_);
}

bool FrozenMount::mount(Remains remains) {
  if (::access("/dev/fuse", R_OK | W_OK) != 0) {
    problem_ = std::string("/dev/fuse cannot be used: ") + std::strerror(errno);
    return false;
  }
  remains_ = remains;
  daemon_ = start();
  return daemon_.has_value();
}

std::optional<FrozenMount::Daemon> FrozenMount::start() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    problem_ = "no pipe";
    return std::nullopt;
  }
  std::vector<std::string> command{SCABBARD_FROZEN_MOUNT, backing_, path_};
  if (remains_ == Remains::kDeadMount) command.insert(command.begin() + 1, "--leave-mounted");
  std::optional<Daemon> started = Daemon{.process = spawn(command, ends[1])};
  ::close(ends[1]);
  const bool ready = started->process > 0 && ready_line(ends[0]);
  ::close(ends[0]);
  struct stat status{};
  if (!ready || ::stat(path_.c_str(), &status) != 0) {
    problem_ = "no FUSE mount, which takes root or fusermount3";
    end(started);
    return std::nullopt;
  }
  started->connection = minor(status.st_dev);
  return started;
}

void FrozenMount::end(std::optional<Daemon>& daemon) {
  if (!daemon || daemon->process <= 0) return;
  ::kill(daemon->process, SIGKILL);
  ::waitpid(daemon->process, nullptr, 0);
  daemon->process = -1;
}

// Read from the kernel's table: a look at the mount itself might hang.
bool FrozenMount::is_mounted() const {
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    if (line.find(" " + path_.string() + " ") != std::string::npos) return true;
  }
  return false;
}

void FrozenMount::freeze() {
  ::kill(daemon_->process, SIGSTOP);
  int status = 0;
  while (::waitpid(daemon_->process, &status, WUNTRACED) < 0 && errno == EINTR) {
  }
  watchdog_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void FrozenMount::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, kLongestFreeze, [] { return false; });
  if (stop.stop_requested()) return;
  struck_ = true;
  for (const auto* daemon : {&daemon_, &unmounted_}) {
    if (*daemon && (*daemon)->process > 0)
      ::kill((*daemon)->process, SIGKILL);  // not reaped: the number is still the daemon's
  }
}

void FrozenMount::thaw() {
  watchdog_ = {};
  ::kill(daemon_->process, SIGCONT);
}

void FrozenMount::kill() {
  watchdog_ = {};
  end(daemon_);
}

void FrozenMount::unmount() {
  if (::umount2(path_.c_str(), MNT_DETACH) != 0 && errno == EPERM) {
    const pid_t helper = spawn({"fusermount3", "-uz", path_}, STDERR_FILENO);
    if (helper > 0) ::waitpid(helper, nullptr, 0);
  }
  if (!daemon_) return;
  const std::scoped_lock lock(mutex_);
  unmounted_ = daemon_;
  daemon_.reset();
}

std::optional<int> FrozenMount::calls_waiting() const {
  if (!daemon_ || control_ < 0) return std::nullopt;
  std::ifstream waiting("/proc/self/fd/" + std::to_string(control_) + "/" + std::to_string(daemon_->connection) +
                        "/waiting");
  int count = 0;
  if (!(waiting >> count)) return std::nullopt;
  return count;
}

bool FrozenMount::watchdog_struck() const {
  const std::scoped_lock lock(mutex_);
  return struck_;
}

}  // namespace scabbard
