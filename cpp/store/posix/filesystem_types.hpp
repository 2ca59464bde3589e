// Which filesystems there are, by the number that statfs() gives (linux/magic.h).
#pragma once

#include <string>

namespace scabbard::posix {

struct FilesystemType {
  std::string name;
  /// Answers from this machine's own disks or memory: its calls do not hang.
  bool local;
};

/// Unknown numbers are named in hexadecimal and count as not local.
FilesystemType filesystem_type(long magic);

}  // namespace scabbard::posix
