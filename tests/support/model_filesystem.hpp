// A filesystem in memory that knows what would survive a power cut.
//
// POSIX promises little, and the model grants no more:
//   - what was written to a file is on disk only after an fsync of that file, or a sync of the filesystem;
//   - a name (create, link, rename, unlink, mkdir) is on disk only after one of the folder that holds it;
//   - after a failed fsync of a file its data counts as clean but is not on disk: a second fsync succeeds
//     and lies. Names wait for the next fsync of their folder.
// Between two syncs the disk may have any part of it. crash_images() gives what a machine could find after
// a power cut now: everything unsynced forgotten; all names but no data (a rename that overtakes its data);
// names in every combination where there are few; data torn, or of the right length and all zeros.
//
// Folders given to the constructor, and those above them, exist and are on disk. A path that is not below
// one of them goes to the kernel, so do descriptors from there: the source of put_file is a real file.
// There are no reflinks and no copy_file_range. As on ext4, the number of a removed file is given to the
// next one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/posix/file_calls.hpp"

namespace scabbard::posix {

class ModelFilesystem final : public FileCalls {
 public:
  explicit ModelFilesystem(const std::vector<std::string>& folders);
  ~ModelFilesystem() override;

  struct Disk;  // names and contents, see model_filesystem.cpp
  using Image = std::shared_ptr<const Disk>;

  /// A machine that starts with what is on the disk.
  explicit ModelFilesystem(const Image& image);

  /// Everything that a power cut now could leave; each only once. The first one has nothing that was not
  /// synced.
  std::vector<Image> crash_images() const;
  static std::string describe(const Image& image);

  /// Runs after every call that changed something, synced something, or failed in it; no lock is held.
  void after_every_change(std::function<void()> observer);

  /// The `number`th sync from here on (1 is the next, 0: none) fails with `error`, and loses the data that it
  /// should have synced.
  void fail_fsync(std::size_t number, int error);

  /// How many syncs there were.
  std::size_t fsyncs() const;

  /// Filesystems that do not know renameat2's flags (NFS): rename_no_replace is -EINVAL.
  void forget_rename_no_replace();

  /// Overlay: what a sync of the filesystem, or waiting for a file's data, could not do is told by neither.
  void become_overlay();

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

  /// What the backend never does itself, for arranging a scene. On disk only after a sync, as all else.
  int make_symlink(const std::string& target, const std::string& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scabbard::posix
