// A file to put objects from, with or without holes, gone with this.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "scabbard/store.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {

class SourceFile {
 public:
  explicit SourceFile(std::span<const std::byte> bytes = {},
                      TemporaryFolder::Where where = TemporaryFolder::Where::kDisk);
  ~SourceFile();
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;

  int descriptor() const { return descriptor_; }
  const std::string& path() const { return path_; }

  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  void resize(std::uint64_t size);
  std::uint64_t size() const;

  FileSource whole() const { return {.descriptor = descriptor_, .offset = 0, .length = size()}; }
  FileSource range(std::uint64_t offset, std::uint64_t length) const {
    return {.descriptor = descriptor_, .offset = offset, .length = length};
  }

 private:
  TemporaryFolder folder_;
  std::string path_;
  int descriptor_ = -1;
};

/// Blocks of 512 bytes that a file takes on the disk.
std::uint64_t allocated_blocks(const std::string& path);

}  // namespace scabbard
