// Which filesystems there are, by the number that statfs() gives (linux/magic.h).
#pragma once

#include <string>

namespace scabbard::posix {

struct FilesystemType {
  std::string name;
  /// Answers from this machine's own disks or memory: its calls do not hang.
  bool local;
  /// Where a syncfs() has failed for a file, that call or one on the file says so. Not on overlay, which passes the
  /// sync on and not its failures; others count only once they are known to.
  bool sync_tells_all;
};

/// Unknown numbers are named in hexadecimal; nothing is expected of those.
FilesystemType filesystem_type(long magic);

}  // namespace scabbard::posix
