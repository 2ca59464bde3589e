// The suite, or the step between it and the executable: becoming another user.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>

#include "cli/command_test.hpp"
#include "support/child_process.hpp"

namespace {

// Opened as root: the folders above may be closed to others.
[[noreturn]] void run_as_nobody(char** command) {
  const int program = ::open(command[0], O_PATH | O_CLOEXEC);
  scabbard::become_nobody();
  ::fexecve(program, command, environ);
  ::_exit(127);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && argv[1] == scabbard::cli::kAsNobody) run_as_nobody(argv + 2);
  // Of children that end before they have read all. Not ignored: that would be passed on to them.
  ::signal(SIGPIPE, [](int) {});
  for (const char* name : {"SCABBARD_CONFIG", "SCABBARD_LOG", "NO_COLOR"}) ::unsetenv(name);
  ::setenv("TERM", "xterm", 1);
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
