#include "base/how_it_ended.hpp"

#include <fmt/core.h>
#include <sys/wait.h>

namespace scabbard {

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("ended with exit status {}", WEXITSTATUS(status));
}

}  // namespace scabbard
