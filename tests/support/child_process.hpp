// The test executable once more, in another process: as another user, or to be killed.
#pragma once

#include <sys/types.h>

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

/// To be called first thing in main(): the child's side of run_current_test_as_nobody().
void become_nobody_if_asked();

/// Descriptors that this process has open.
std::size_t open_descriptor_count();

}  // namespace scabbard
