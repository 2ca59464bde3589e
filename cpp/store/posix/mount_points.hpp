// Where filesystems are mounted, asked of the kernel's own table: no filesystem is touched, so it never hangs.
#pragma once

#include <string>
#include <string_view>

namespace scabbard::posix {

/// The mount point that `path`, absolute and without "." and "..", lies on: itself or the nearest above it by
/// name. "/" where the table cannot be read.
std::string mount_point_of(std::string_view path);

/// The same out of the text of /proc/self/mountinfo (proc(5)).
std::string mount_point_of(std::string_view path, std::string_view mountinfo);

}  // namespace scabbard::posix
