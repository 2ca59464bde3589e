#include "support/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>

extern char** environ;

namespace scabbard {
namespace {

constexpr uid_t kNobody = 65534;
constexpr const char* kAsNobody = "SCABBARD_TEST_AS_NOBODY";

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& string : strings) all.push_back(string.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

pid_t spawn(std::vector<std::string> command, const Surroundings& surroundings) {
  std::vector<std::string> variables = surroundings.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, surroundings.folder.c_str());
  const std::array descriptors = {surroundings.input, surroundings.output, surroundings.error};
  for (int number = 0; number < 3; ++number) {
    const int descriptor = descriptors.at(static_cast<std::size_t>(number));
    if (descriptor == Surroundings::kClosed) {
      ::posix_spawn_file_actions_addclose(&actions, number);
    } else {
      ::posix_spawn_file_actions_adddup2(&actions, descriptor, number);
    }
  }
  pid_t child = -1;
  const int error = ::posix_spawn(&child, command[0].c_str(), &actions, nullptr, pointers(command).data(),
                                  pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot run " + command[0]);
  return child;
}

RunningChild start(std::vector<std::string> command, const std::vector<std::string>& environment) {
  std::array<int, 2> output{};
  if (::pipe2(output.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const pid_t child = spawn(std::move(command), {.environment = environment, .output = output[1], .error = output[1]});
  ::close(output[1]);
  return {.process = child, .output = output[0]};
}

bool read_more(const RunningChild& child, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(child.output, buffer.data(), buffer.size());
  if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

ChildEnd wait_for(const RunningChild& child) {
  ::close(child.output);
  return wait_for(child.process);
}

ChildEnd wait_for(pid_t process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  ChildEnd end;
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

bool ends_within(pid_t process, std::chrono::milliseconds limit) {
  // glibc's own pidfd_open cannot be linked from C++ before 2.37.
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (descriptor < 0) return errno == ESRCH;
  pollfd ended{.fd = descriptor, .events = POLLIN, .revents = 0};
  const bool has_ended = ::poll(&ended, 1, static_cast<int>(limit.count())) == 1;
  ::close(descriptor);
  return has_ended;
}

ChildEnd run_again(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::vector<std::string> command = {"/proc/self/exe"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const RunningChild child = start(std::move(command), environment);
  std::string output;
  while (read_more(child, output)) {
  }
  ChildEnd end = wait_for(child);
  end.output = std::move(output);
  return end;
}

bool is_root() { return ::geteuid() == 0; }

ChildEnd run_current_test_as_nobody() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return run_again({std::string("--gtest_filter=") + test->test_suite_name() + "." + test->name()},
                   {std::string(kAsNobody) + "=1", "GTEST_OUTPUT="});
}

void become_nobody() {
  const bool done = ::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0;
  if (!done) ::_exit(4);
}

void become_nobody_if_asked() {
  if (std::getenv(kAsNobody) == nullptr) return;
  become_nobody();
  // Where the own TMPDIR is closed to others.
  if (::access(std::filesystem::temp_directory_path().c_str(), W_OK) != 0) ::setenv("TMPDIR", "/tmp", 1);
}

std::size_t open_descriptor_count() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace scabbard
