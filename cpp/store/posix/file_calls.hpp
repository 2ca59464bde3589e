// The seam between the file backend and the kernel: every call that touches a filesystem goes through a
// FileCalls, so that tests can fail the N-th one or put a model filesystem below.
//
// Calls return what the system call returns, or -errno; errno itself is not used, so that a call may be
// made on another thread (see guard.hpp). They never retry: EINTR and short counts are the caller's.
// Implementations are safe to use from any thread.
#pragma once

#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace scabbard::posix {

struct DirectoryEntry {
  std::string name;
  unsigned char type;  ///< DT_REG, DT_DIR, DT_LNK, DT_UNKNOWN, ...
};

class FileCalls {
 public:
  virtual ~FileCalls() = default;

  virtual int open(const std::string& path, int flags, mode_t mode) = 0;
  virtual int close(int fd) = 0;
  /// Reports what close() would (NFS tells ENOSPC and EIO there) and keeps the descriptor and its lock.
  virtual int flush(int fd) = 0;

  virtual ssize_t pread(int fd, std::span<std::byte> into, off_t offset) = 0;
  virtual ssize_t pwrite(int fd, std::span<const std::byte> from, off_t offset) = 0;
  virtual ssize_t copy_file_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) = 0;
  /// Shares the extents of `length` bytes (FICLONERANGE).
  virtual int clone_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) = 0;
  /// The next data (SEEK_DATA) or hole (SEEK_HOLE) from `offset` on. Moves the descriptor's position.
  virtual off_t seek(int fd, off_t offset, int whence) = 0;

  virtual int fsync(int fd) = 0;
  /// Syncs the whole filesystem that the file lies on (syncfs).
  virtual int sync_filesystem(int fd) = 0;
  /// Starts writing a range back without waiting for it.
  virtual int start_writeback(int fd, off_t offset, off_t length) = 0;
  /// Waits until a range is written back. An error of it is reported here and by no later fsync.
  virtual int wait_for_writeback(int fd, off_t offset, off_t length) = 0;
  /// Reserves blocks beyond the end without changing the size.
  virtual int reserve(int fd, off_t length) = 0;
  virtual int truncate(int fd, off_t length) = 0;
  virtual int lock(int fd) = 0;  ///< flock, exclusive, without waiting
  virtual int change_owner(int fd, uid_t owner, gid_t group) = 0;
  virtual int change_mode(int fd, mode_t mode) = 0;

  virtual int fstat(int fd, struct stat& status) = 0;
  virtual int stat(const std::string& path, struct stat& status) = 0;
  virtual int statfs(const std::string& path, struct statfs& status) = 0;
  virtual int read_link(const std::string& path, std::string& target) = 0;
  virtual int read_directory(const std::string& path, std::vector<DirectoryEntry>& entries) = 0;

  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int rename_no_replace(const std::string& from, const std::string& to) = 0;
  virtual int link(const std::string& from, const std::string& to) = 0;
  virtual int unlink(const std::string& path) = 0;
  virtual int make_directory(const std::string& path, mode_t mode) = 0;
  virtual int remove_directory(const std::string& path) = 0;
};

/// Whether the entry of a folder that is found at `path` is a symlink. Some filesystems do not say of what type
/// an entry is.
bool is_link(FileCalls& calls, const std::string& path, unsigned char type);

/// The kernel's calls. Never destroyed.
FileCalls& kernel_calls();

}  // namespace scabbard::posix
