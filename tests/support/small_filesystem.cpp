#include "support/small_filesystem.hpp"

#include <sys/mount.h>

#include <utility>

namespace scabbard {

std::unique_ptr<SmallFilesystem> SmallFilesystem::mount(std::uint64_t bytes) {
  std::unique_ptr<SmallFilesystem> made(new SmallFilesystem(bytes));
  return made->mount_anew() ? std::move(made) : nullptr;
}

bool SmallFilesystem::mount_anew() {
  const std::string options = "mode=0755,size=" + std::to_string(bytes_);
  return ::mount("scabbard-test", string().c_str(), "tmpfs", 0, options.c_str()) == 0;
}

// Where nothing is mounted, as after a failed mount(), there is nothing to do.
SmallFilesystem::~SmallFilesystem() { unmount(); }

bool SmallFilesystem::unmount() { return ::umount2(string().c_str(), MNT_DETACH) == 0; }

bool SmallFilesystem::make_read_only() {
  return ::mount("scabbard-test", string().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

}  // namespace scabbard
