// A folder of its own for one test, gone when the test is.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace scabbard {

class TemporaryFolder {
 public:
  enum class Where {
    kDisk,    ///< below TMPDIR
    kMemory,  ///< on /dev/shm where there is one, for tests that sync thousands of times
  };
  explicit TemporaryFolder(Where where = Where::kDisk);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string string() const { return path_.string(); }
  std::filesystem::path operator/(std::string_view below) const { return path_ / below; }

 private:
  std::filesystem::path path_;
};

}  // namespace scabbard
