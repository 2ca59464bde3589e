// Removes a folder of files where a killed test cannot.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace scabbard {

/// Another process that removes a folder once this one has ended, however that ends. Destroyed, it leaves the folder
/// alone.
class FolderRemover {
 public:
  /// Throws std::runtime_error.
  explicit FolderRemover(const std::filesystem::path& folder);
  ~FolderRemover();
  FolderRemover(const FolderRemover&) = delete;
  FolderRemover& operator=(const FolderRemover&) = delete;

 private:
  int alive_ = -1;  // the end of a pipe that nobody else has: closed with this process
  pid_t process_ = -1;
};

}  // namespace scabbard
