// A filesystem of its own for one test, in memory: to be filled up, or made read-only. Only root can mount.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "support/temporary_folder.hpp"

namespace scabbard {

class SmallFilesystem {
 public:
  /// Nothing where this process may not mount.
  static std::unique_ptr<SmallFilesystem> mount(std::uint64_t bytes);
  ~SmallFilesystem();
  SmallFilesystem(const SmallFilesystem&) = delete;
  SmallFilesystem& operator=(const SmallFilesystem&) = delete;

  std::string string() const { return folder_.string(); }
  bool make_read_only();
  /// Leaves the empty folder that it was mounted on.
  bool unmount();
  /// A new, empty one in the same place.
  bool mount_anew();

 private:
  explicit SmallFilesystem(std::uint64_t bytes) : bytes_(bytes) {}
  const std::uint64_t bytes_;
  TemporaryFolder folder_;
};

}  // namespace scabbard
