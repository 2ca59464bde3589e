#include "support/intercepting_file_calls.hpp"

#include <algorithm>

namespace scabbard::posix {

std::string_view to_string(Call call) {
  switch (call) {
    case Call::kOpen:
      return "open";
    case Call::kClose:
      return "close";
    case Call::kFlush:
      return "flush";
    case Call::kPread:
      return "pread";
    case Call::kPwrite:
      return "pwrite";
    case Call::kCopyFileRange:
      return "copy_file_range";
    case Call::kCloneRange:
      return "clone_range";
    case Call::kSeek:
      return "seek";
    case Call::kFsync:
      return "fsync";
    case Call::kSyncFilesystem:
      return "sync_filesystem";
    case Call::kStartWriteback:
      return "start_writeback";
    case Call::kWaitForWriteback:
      return "wait_for_writeback";
    case Call::kReserve:
      return "reserve";
    case Call::kTruncate:
      return "truncate";
    case Call::kLock:
      return "lock";
    case Call::kChangeOwner:
      return "change_owner";
    case Call::kChangeMode:
      return "change_mode";
    case Call::kFstat:
      return "fstat";
    case Call::kStat:
      return "stat";
    case Call::kStatfs:
      return "statfs";
    case Call::kReadLink:
      return "read_link";
    case Call::kReadDirectory:
      return "read_directory";
    case Call::kRename:
      return "rename";
    case Call::kRenameNoReplace:
      return "rename_no_replace";
    case Call::kLink:
      return "link";
    case Call::kUnlink:
      return "unlink";
    case Call::kMakeDirectory:
      return "make_directory";
    case Call::kRemoveDirectory:
      return "remove_directory";
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, const CallSite& site) {
  out << to_string(site.call) << "(";
  if (site.path.empty()) {
    out << "descriptor";
  } else {
    out << site.path.substr(site.path.rfind('/') + 1);
  }
  return out << ")";
}

template <class Run>
auto InterceptingFileCalls::on_path(Call call, const std::string& path, Run run) {
  const CallSite site{.call = call, .path = path};
  return static_cast<decltype(run())>(around(site, [&](std::size_t) { return static_cast<long>(run()); }));
}

template <class Run>
auto InterceptingFileCalls::on_descriptor(Call call, int fd, std::size_t length, Run run) {
  const CallSite site{.call = call, .path = {}, .descriptor = fd, .length = length};
  return static_cast<decltype(run(length))>(
      around(site, [&](std::size_t allowed) { return static_cast<long>(run(std::min(allowed, length))); }));
}

int InterceptingFileCalls::open(const std::string& path, int flags, mode_t mode) {
  return on_path(Call::kOpen, path, [&] { return inner_.open(path, flags, mode); });
}
int InterceptingFileCalls::close(int fd) {
  return on_descriptor(Call::kClose, fd, 0, [&](std::size_t) { return inner_.close(fd); });
}
int InterceptingFileCalls::flush(int fd) {
  return on_descriptor(Call::kFlush, fd, 0, [&](std::size_t) { return inner_.flush(fd); });
}
ssize_t InterceptingFileCalls::pread(int fd, std::span<std::byte> into, off_t offset) {
  return on_descriptor(Call::kPread, fd, into.size(),
                       [&](std::size_t length) { return inner_.pread(fd, into.first(length), offset); });
}
ssize_t InterceptingFileCalls::pwrite(int fd, std::span<const std::byte> from, off_t offset) {
  return on_descriptor(Call::kPwrite, fd, from.size(),
                       [&](std::size_t length) { return inner_.pwrite(fd, from.first(length), offset); });
}
ssize_t InterceptingFileCalls::copy_file_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) {
  return on_descriptor(Call::kCopyFileRange, out, length, [&](std::size_t allowed) {
    return inner_.copy_file_range(in, in_offset, out, out_offset, allowed);
  });
}
int InterceptingFileCalls::clone_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) {
  return on_descriptor(Call::kCloneRange, out, 0,
                       [&](std::size_t) { return inner_.clone_range(in, in_offset, out, out_offset, length); });
}
off_t InterceptingFileCalls::seek(int fd, off_t offset, int whence) {
  return on_descriptor(Call::kSeek, fd, 0, [&](std::size_t) { return inner_.seek(fd, offset, whence); });
}
int InterceptingFileCalls::fsync(int fd) {
  return on_descriptor(Call::kFsync, fd, 0, [&](std::size_t) { return inner_.fsync(fd); });
}
int InterceptingFileCalls::sync_filesystem(int fd) {
  return on_descriptor(Call::kSyncFilesystem, fd, 0, [&](std::size_t) { return inner_.sync_filesystem(fd); });
}
int InterceptingFileCalls::start_writeback(int fd, off_t offset, off_t length) {
  return on_descriptor(Call::kStartWriteback, fd, 0,
                       [&](std::size_t) { return inner_.start_writeback(fd, offset, length); });
}
int InterceptingFileCalls::wait_for_writeback(int fd, off_t offset, off_t length) {
  return on_descriptor(Call::kWaitForWriteback, fd, 0,
                       [&](std::size_t) { return inner_.wait_for_writeback(fd, offset, length); });
}
int InterceptingFileCalls::reserve(int fd, off_t length) {
  return on_descriptor(Call::kReserve, fd, 0, [&](std::size_t) { return inner_.reserve(fd, length); });
}
int InterceptingFileCalls::truncate(int fd, off_t length) {
  return on_descriptor(Call::kTruncate, fd, 0, [&](std::size_t) { return inner_.truncate(fd, length); });
}
int InterceptingFileCalls::lock(int fd) {
  return on_descriptor(Call::kLock, fd, 0, [&](std::size_t) { return inner_.lock(fd); });
}
int InterceptingFileCalls::change_owner(int fd, uid_t owner, gid_t group) {
  return on_descriptor(Call::kChangeOwner, fd, 0, [&](std::size_t) { return inner_.change_owner(fd, owner, group); });
}
int InterceptingFileCalls::change_mode(int fd, mode_t mode) {
  return on_descriptor(Call::kChangeMode, fd, 0, [&](std::size_t) { return inner_.change_mode(fd, mode); });
}
int InterceptingFileCalls::fstat(int fd, struct stat& status) {
  return on_descriptor(Call::kFstat, fd, 0, [&](std::size_t) { return inner_.fstat(fd, status); });
}
int InterceptingFileCalls::stat(const std::string& path, struct stat& status) {
  return on_path(Call::kStat, path, [&] { return inner_.stat(path, status); });
}
int InterceptingFileCalls::statfs(const std::string& path, struct statfs& status) {
  return on_path(Call::kStatfs, path, [&] { return inner_.statfs(path, status); });
}
int InterceptingFileCalls::read_link(const std::string& path, std::string& target) {
  return on_path(Call::kReadLink, path, [&] { return inner_.read_link(path, target); });
}
int InterceptingFileCalls::read_directory(const std::string& path, std::vector<DirectoryEntry>& entries) {
  return on_path(Call::kReadDirectory, path, [&] { return inner_.read_directory(path, entries); });
}
int InterceptingFileCalls::rename(const std::string& from, const std::string& to) {
  return on_path(Call::kRename, from, [&] { return inner_.rename(from, to); });
}
int InterceptingFileCalls::rename_no_replace(const std::string& from, const std::string& to) {
  return on_path(Call::kRenameNoReplace, from, [&] { return inner_.rename_no_replace(from, to); });
}
int InterceptingFileCalls::link(const std::string& from, const std::string& to) {
  return on_path(Call::kLink, from, [&] { return inner_.link(from, to); });
}
int InterceptingFileCalls::unlink(const std::string& path) {
  return on_path(Call::kUnlink, path, [&] { return inner_.unlink(path); });
}
int InterceptingFileCalls::make_directory(const std::string& path, mode_t mode) {
  return on_path(Call::kMakeDirectory, path, [&] { return inner_.make_directory(path, mode); });
}
int InterceptingFileCalls::remove_directory(const std::string& path) {
  return on_path(Call::kRemoveDirectory, path, [&] { return inner_.remove_directory(path); });
}

}  // namespace scabbard::posix
