#pragma once

#include <string>

namespace scabbard {

/// What waitpid() says of a process that has ended: "was killed by signal 9", "ended with exit status 1".
std::string how_it_ended(int status);

}  // namespace scabbard
