#include "support/source_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace scabbard {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

SourceFile::SourceFile(std::span<const std::byte> bytes, TemporaryFolder::Where where) : folder_(where) {
  path_ = (folder_ / "source").string();
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_errno("cannot make " + path_);
  write(0, bytes);
}

SourceFile::~SourceFile() { ::close(descriptor_); }

void SourceFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count <= 0) throw_errno("cannot write " + path_);
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void SourceFile::resize(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) throw_errno("cannot resize " + path_);
}

std::uint64_t SourceFile::size() const {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) throw_errno("cannot stat " + path_);
  return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t allocated_blocks(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) throw_errno("cannot stat " + path);
  return static_cast<std::uint64_t>(status.st_blocks);
}

}  // namespace scabbard
