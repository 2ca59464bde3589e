#include "store/posix/file_calls.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>

namespace scabbard::posix {
namespace {

int result_of(int returned) { return returned < 0 ? -errno : returned; }
ssize_t count_of(ssize_t returned) { return returned < 0 ? -errno : returned; }

class KernelCalls final : public FileCalls {
 public:
  int open(const std::string& path, int flags, mode_t mode) override {
    return result_of(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode));
  }
  int close(int fd) override { return result_of(::close(fd)); }
  int flush(int fd) override {
    int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -errno : result_of(::close(copy));
  }

  ssize_t pread(int fd, std::span<std::byte> into, off_t offset) override {
    return count_of(::pread(fd, into.data(), into.size(), offset));
  }
  ssize_t pwrite(int fd, std::span<const std::byte> from, off_t offset) override {
    return count_of(::pwrite(fd, from.data(), from.size(), offset));
  }
  ssize_t copy_file_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) override {
    return count_of(::copy_file_range(in, &in_offset, out, &out_offset, length, 0));
  }
  int clone_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) override {
    struct file_clone_range range = {.src_fd = in,
                                     .src_offset = static_cast<__u64>(in_offset),
                                     .src_length = length,
                                     .dest_offset = static_cast<__u64>(out_offset)};
    return result_of(::ioctl(out, FICLONERANGE, &range));
  }
  off_t seek(int fd, off_t offset, int whence) override { return count_of(::lseek(fd, offset, whence)); }

  int fsync(int fd) override { return result_of(::fsync(fd)); }
  int sync_filesystem(int fd) override { return result_of(::syncfs(fd)); }
  int start_writeback(int fd, off_t offset, off_t length) override {
    return result_of(::sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE));
  }
  int wait_for_writeback(int fd, off_t offset, off_t length) override {
    constexpr unsigned kWait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    return result_of(::sync_file_range(fd, offset, length, kWait));
  }
  int reserve(int fd, off_t length) override { return result_of(::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, length)); }
  int truncate(int fd, off_t length) override { return result_of(::ftruncate(fd, length)); }
  int lock(int fd) override { return result_of(::flock(fd, LOCK_EX | LOCK_NB)); }
  int change_owner(int fd, uid_t owner, gid_t group) override { return result_of(::fchown(fd, owner, group)); }
  int change_mode(int fd, mode_t mode) override { return result_of(::fchmod(fd, mode)); }

  int fstat(int fd, struct stat& status) override { return result_of(::fstat(fd, &status)); }
  int stat(const std::string& path, struct stat& status) override { return result_of(::stat(path.c_str(), &status)); }
  int statfs(const std::string& path, struct statfs& status) override {
    return result_of(::statfs(path.c_str(), &status));
  }
  int read_link(const std::string& path, std::string& target) override {
    std::array<char, PATH_MAX> buffer;
    ssize_t length = ::readlink(path.c_str(), buffer.data(), buffer.size());
    if (length < 0) return -errno;
    target.assign(buffer.data(), static_cast<size_t>(length));
    return 0;
  }
  int read_directory(const std::string& path, std::vector<DirectoryEntry>& entries) override {
    std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (directory == nullptr) return -errno;
    entries.clear();
    errno = 0;
    while (const dirent* entry = ::readdir(directory.get())) {
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") entries.push_back({std::string(name), entry->d_type});
      errno = 0;
    }
    return -errno;
  }

  int rename(const std::string& from, const std::string& to) override {
    return result_of(::rename(from.c_str(), to.c_str()));
  }
  int rename_no_replace(const std::string& from, const std::string& to) override {
    return result_of(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE));
  }
  int link(const std::string& from, const std::string& to) override {
    return result_of(::link(from.c_str(), to.c_str()));
  }
  int unlink(const std::string& path) override { return result_of(::unlink(path.c_str())); }
  int make_directory(const std::string& path, mode_t mode) override { return result_of(::mkdir(path.c_str(), mode)); }
  int remove_directory(const std::string& path) override { return result_of(::rmdir(path.c_str())); }
};

}  // namespace

bool is_link(FileCalls& calls, const std::string& path, unsigned char type) {
  std::string target;
  return type == DT_LNK || (type == DT_UNKNOWN && calls.read_link(path, target) == 0);
}

FileCalls& kernel_calls() {
  static auto* calls = new KernelCalls;
  return *calls;
}

}  // namespace scabbard::posix
