// Other programs, and the test executable once more, in another process: as another user, or to be killed.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace scabbard {

struct ChildEnd {
  int exit_code = -1;  ///< -1 where a signal ended it
  int signal = 0;
  std::string output;  ///< of stdout and stderr
};

/// A child under way, and the end of a pipe that its output comes from.
struct RunningChild {
  pid_t process = -1;
  int output = -1;
};

/// What a program is started with.
struct Surroundings {
  std::vector<std::string> environment = {};  ///< "NAME=value", added to this process' own
  std::string folder = ".";                   ///< its working directory
  /// What it has as standard streams; kClosed: nothing.
  int input = STDIN_FILENO;
  int output = STDOUT_FILENO;
  int error = STDERR_FILENO;

  static constexpr int kClosed = -1;
};

/// Starts a program; `command` begins with its path.
pid_t spawn(std::vector<std::string> command, const Surroundings& surroundings);
/// Waits for its end. The output is the caller's.
ChildEnd wait_for(pid_t process);

/// Waits for the end of a process, a child or not, and leaves it unreaped; false where it lives on.
bool ends_within(pid_t process, std::chrono::milliseconds limit);

/// Starts a program with the `environment` added ("NAME=value").
RunningChild start(std::vector<std::string> command, const std::vector<std::string>& environment = {});
/// Waits for more output and appends it to `text`; false at its end, which comes after the child's.
bool read_more(const RunningChild& child, std::string& text);
/// Waits for the end of a child whose output was read.
ChildEnd wait_for(const RunningChild& child);

/// Runs this executable with `arguments` and the `environment` added ("NAME=value"), and waits for its end.
ChildEnd run_again(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {});

/// Runs the current test again, alone, as the user that owns nothing. Only root can; the caller asks
/// is_root() first.
ChildEnd run_current_test_as_nobody();
bool is_root();

/// Becomes the user that owns nothing, in a child of root; ends the process where that fails.
void become_nobody();
/// To be called first thing in main(): the child's side of run_current_test_as_nobody().
void become_nobody_if_asked();

/// Descriptors that this process has open.
std::size_t open_descriptor_count();

}  // namespace scabbard
