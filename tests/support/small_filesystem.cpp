#include "support/small_filesystem.hpp"

#include <sys/mount.h>

namespace scabbard {

std::unique_ptr<SmallFilesystem> SmallFilesystem::mount(std::uint64_t bytes) {
  std::unique_ptr<SmallFilesystem> made(new SmallFilesystem);
  const std::string options = "mode=0755,size=" + std::to_string(bytes);
  if (::mount("scabbard-test", made->string().c_str(), "tmpfs", 0, options.c_str()) != 0) return nullptr;
  return made;
}

// Where nothing is mounted, as after a failed mount(), there is nothing to do.
SmallFilesystem::~SmallFilesystem() { ::umount2(string().c_str(), MNT_DETACH); }

bool SmallFilesystem::make_read_only() {
  return ::mount("scabbard-test", string().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

}  // namespace scabbard
