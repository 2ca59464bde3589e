// A program that is talked to by lines, and dies with the thread that started it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "scabbard/error.hpp"

namespace scabbard::extproc {

struct ChildProcess {
  pid_t process = -1;  ///< leads a process group of its own
  Descriptor handle;   ///< readable once it has ended
  Descriptor input;    ///< to write to: a socket
  Descriptor output;   ///< to read from
};

/// Starts `command`, whose first word is a path, in `folder`, with this process' environment and stderr. Its soft limit
/// on descriptors is the hard one. kUnavailable says why it could not be started. It is killed when the calling thread
/// ends.
Result<ChildProcess> start_child(const std::vector<std::string>& command, const std::string& folder);

/// Waits for its end; says how it came, see how_it_ended().
std::string reap(const ChildProcess& child);

}  // namespace scabbard::extproc
