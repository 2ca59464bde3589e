// FileCalls that show every call to one function before it is made: what a test puts between the file
// backend and a filesystem.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "store/posix/file_calls.hpp"

namespace scabbard::posix {

enum class Call {
  kOpen,
  kClose,
  kFlush,
  kPread,
  kPwrite,
  kCopyFileRange,
  kCloneRange,
  kSeek,
  kFsync,
  kSyncFilesystem,
  kStartWriteback,
  kWaitForWriteback,
  kReserve,
  kTruncate,
  kLock,
  kChangeOwner,
  kChangeMode,
  kFstat,
  kStat,
  kStatfs,
  kReadLink,
  kReadDirectory,
  kRename,
  kRenameNoReplace,
  kLink,
  kUnlink,
  kMakeDirectory,
  kRemoveDirectory,
};

std::string_view to_string(Call call);

/// One call about to be made.
struct CallSite {
  Call call;
  std::string path;        ///< of calls that take one; the first where there are two
  int descriptor = -1;     ///< of the others; of copies the one written to
  std::size_t length = 0;  ///< how many bytes it would move
};

std::ostream& operator<<(std::ostream& out, const CallSite& site);

class InterceptingFileCalls : public FileCalls {
 public:
  explicit InterceptingFileCalls(FileCalls& inner) : inner_(inner) {}

  int open(const std::string& path, int flags, mode_t mode) override;
  int close(int fd) override;
  int flush(int fd) override;
  ssize_t pread(int fd, std::span<std::byte> into, off_t offset) override;
  ssize_t pwrite(int fd, std::span<const std::byte> from, off_t offset) override;
  ssize_t copy_file_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) override;
  int clone_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) override;
  off_t seek(int fd, off_t offset, int whence) override;
  int fsync(int fd) override;
  int sync_filesystem(int fd) override;
  int start_writeback(int fd, off_t offset, off_t length) override;
  int wait_for_writeback(int fd, off_t offset, off_t length) override;
  int reserve(int fd, off_t length) override;
  int truncate(int fd, off_t length) override;
  int lock(int fd) override;
  int change_owner(int fd, uid_t owner, gid_t group) override;
  int change_mode(int fd, mode_t mode) override;
  int fstat(int fd, struct stat& status) override;
  int stat(const std::string& path, struct stat& status) override;
  int statfs(const std::string& path, struct statfs& status) override;
  int read_link(const std::string& path, std::string& target) override;
  int read_directory(const std::string& path, std::vector<DirectoryEntry>& entries) override;
  int rename(const std::string& from, const std::string& to) override;
  int rename_no_replace(const std::string& from, const std::string& to) override;
  int link(const std::string& from, const std::string& to) override;
  int unlink(const std::string& path) override;
  int make_directory(const std::string& path, mode_t mode) override;
  int remove_directory(const std::string& path) override;

 protected:
  /// Makes the call, moving at most `length` bytes where it moves any.
  using Make = std::function<long(std::size_t length)>;

  /// What the call returns. Called on the thread that makes it, by many at once.
  virtual long around(const CallSite& site, const Make& make) = 0;

 private:
  template <class Run>
  auto on_path(Call call, const std::string& path, Run run);
  template <class Run>
  auto on_descriptor(Call call, int fd, std::size_t length, Run run);

  FileCalls& inner_;
};

}  // namespace scabbard::posix
