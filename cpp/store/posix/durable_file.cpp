#include "store/posix/durable_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <random>
#include <utility>

#include "base/crc32c.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "store/object_name.hpp"
#include "store/posix/filesystem_types.hpp"

namespace scabbard::posix {
namespace {

constexpr mode_t kFileMode = 0644;  // less the umask, as damocles' own filestore
constexpr mode_t kFolderMode = 0755;
constexpr int kMostLinks = 40;  // the kernel's own limit
constexpr int kMostAttempts = 16;
// Below this, asking the filesystem to reserve blocks costs more than it tells.
constexpr std::uint64_t kLeastReserved = std::uint64_t{1} << 20;
// Runs of this length are on their way to the disk while the next one is written.
constexpr std::uint64_t kWritebackRun = std::uint64_t{8} << 20;

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string new_temporary_name() {
  // In a container the process has the same number after each restart, beside what it left the last time.
  static std::atomic<unsigned> next = std::random_device()();
  return fmt::format("{}{}-{}", temporary_prefix_of_host(), ::getpid(), next++);
}

// Of wait_for_writeback(): the filesystem does not know it.
bool cannot_wait(int result) {
  return result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP || result == -ESPIPE;
}

// A link leads to where nothing is. That is never an object that is missing.
std::unexpected<Error> folder_is_away(const Operation& op, const std::string& folder) {
  return op.failed(
      ErrorCode::kUnavailable,
      fmt::format("its folder {} is, or lies below, a link to nowhere: is that disk mounted?", quote(folder)));
}

// Makes the folders between the store's root and `folder`. Never the root itself: where that is missing, a
// disk is not mounted.
Result<void> make_folders(Operation& op, const std::string& folder) {
  const std::string& root = op.volume().root();
  bool inside = folder.starts_with(root + "/") && folder.find("/../") == std::string::npos && !folder.ends_with("/..");
  if (!inside) return folder_is_away(op, folder);
  std::size_t end = root.size();
  while (end < folder.size()) {
    end = std::min(folder.find('/', end + 1), folder.size());
    int made = uninterrupted([&] { return op.calls().make_directory(folder.substr(0, end), kFolderMode); });
    if (made == -ENOENT) return {};  // what stood a moment ago is gone: to be begun again
    if (made < 0 && made != -EEXIST) return op.failed(made, "make its folder");
  }
  return {};
}

}  // namespace

const std::string& temporary_prefix_of_host() {
  static const auto* prefix = [] {
    std::string id;
    std::ifstream("/etc/machine-id") >> id;
    if (id.empty()) {
      char name[256] = "";
      ::gethostname(name, sizeof name - 1);
      id = name;
    }
    std::uint32_t hash = crc32c(std::as_bytes(std::span(id)));
    return new std::string(fmt::format("{}{:08x}-", kTemporaryPrefix, hash));
  }();
  return *prefix;
}

int sync_folder(FileCalls& calls, const std::string& path) {
  int fd = uninterrupted([&] { return calls.open(path, O_RDONLY | O_DIRECTORY, 0); });
  if (fd < 0) return fd;
  int result = uninterrupted([&] { return calls.fsync(fd); });
  calls.close(fd);
  // Some filesystems (CIFS, some FUSE ones) have no notion of syncing a folder.
  return result == -EINVAL || result == -EOPNOTSUPP || result == -ENOSYS ? 0 : result;
}

Result<std::string> follow_links(Operation& op, std::string path) {
  const std::string named = path;
  for (int links = 0; links < kMostLinks; ++links) {
    std::string target;
    int result = uninterrupted([&] { return op.calls().read_link(path, target); });
    // EINVAL: not a link. What is missing or no folder is for the next call to report.
    if (result == -EINVAL || result == -ENOENT || result == -ENOTDIR) {
      struct stat status;
      // Whether the kernel would go there: not by a link that somebody else has put into a folder like /tmp.
      bool may_not = links > 0 && uninterrupted([&] { return op.calls().stat(named, status); }) == -EACCES;
      if (may_not) return op.failed(-EACCES, "follow the link");
      return path;
    }
    if (result < 0) return op.failed(result, "look where it leads");
    path = target.starts_with('/') ? target : folder_of(path) + "/" + target;
  }
  return op.failed(-ELOOP, "look where it leads");
}

Result<DurableFile> DurableFile::create(Operation& op, std::shared_ptr<Volume> volume, std::string_view object,
                                        const CreateOptions& options, std::shared_ptr<Guard> guard) {
  if (auto stands = op.check_root(); !stands) return fail(std::move(stands).error());
  auto path = options.through_link ? follow_links(op, volume->path_of(object)) : volume->path_of(object);
  if (!path) return fail(std::move(path).error());
  DurableFile file(std::move(volume), std::move(guard), *std::move(path), options);
  if (auto seen = file.look_at_target(op); !seen) return fail(std::move(seen).error());
  if (auto opened = file.open_temporary(op); !opened) return fail(std::move(opened).error());
  return file;
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : volume_(std::move(other.volume_)),
      guard_(std::move(other.guard_)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      exclusive_(other.exclusive_),
      through_link_(other.through_link_),
      progress_(other.progress_),
      replaced_(other.replaced_),
      fd_(std::exchange(other.fd_, -1)),
      device_(other.device_),
      size_(other.size_),
      written_back_(other.written_back_) {}

DurableFile::~DurableFile() {
  if (fd_ < 0) return;
  auto brief = Context().with_timeout(kCleanUpLimit);
  auto remove_and_close = [this](FileCalls& calls) {
    if (!temporary_.empty()) {
      int removed = uninterrupted([&] { return calls.unlink(temporary_); });
      if (removed < 0 && removed != -ENOENT) {
        log::warn("leftover {} stays until a sweep: {}", quote(temporary_),
                  file_error(removed, Access::kWrite, "remove it", "").message);
      }
    }
    calls.close(fd_);
  };
  if (guard_ != nullptr || volume_->guarded()) {
    GuardedCalls calls(volume_->direct_calls(), guard_ != nullptr ? guard_ : volume_->guard(), brief);
    remove_and_close(calls);
  } else {
    remove_and_close(volume_->direct_calls());
  }
}

Result<void> DurableFile::look_at_target(Operation& op) {
  // A link that is replaced itself has neither owner nor mode to keep.
  if (!through_link_ && is_link(op.calls(), path_, DT_UNKNOWN)) return {};
  struct stat status;
  int result = uninterrupted([&] { return op.calls().stat(path_, status); });
  if (result == -ENOENT) return {};
  if (result < 0) return op.failed(result, "look at what is there");
  if (S_ISDIR(status.st_mode)) return op.failed(-EISDIR, "");
  if (!S_ISREG(status.st_mode))
    return op.failed(ErrorCode::kNotRegularFile, "something else than a file has that name");
  if (exclusive_) return op.failed(ErrorCode::kAlreadyExists, "an object of that name exists");
  replaced_ = status;
  return {};
}

Result<void> DurableFile::open_temporary(Operation& op) {
  std::string folder = folder_of(path_);
  mode_t mode = replaced_ ? replaced_->st_mode & 0777 : kFileMode;  // what is private is so while it is written
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    temporary_ = folder + "/" + new_temporary_name();
    int fd = uninterrupted([&] { return op.calls().open(temporary_, O_WRONLY | O_CREAT | O_EXCL, mode); });
    if (fd >= 0) {
      fd_ = fd;
      if (claim(op.calls())) return {};
      op.calls().close(std::exchange(fd_, -1));
    } else if (fd == -ENOENT) {
      // Made here, and made again when somebody removes an empty folder meanwhile.
      if (auto made = make_folders(op, folder); !made) return made;
    } else if (fd != -EEXIST) {
      return op.failed(fd, "create a temporary file");
    }
  }
  return folder_is_away(op, folder);  // it can neither be made nor entered
}

// Marks the temporary as in use. False when a sweep was quicker: between creation and lock it looks dead.
bool DurableFile::claim(FileCalls& calls) {
  int locked = uninterrupted([&] { return calls.lock(fd_); });
  if (locked == -EWOULDBLOCK) return false;
  // Where there are no locks there are no sweeps either: they fail to get one.
  struct stat status;
  if (uninterrupted([&] { return calls.fstat(fd_, status); }) != 0) return true;
  device_ = status.st_dev;
  return status.st_nlink > 0;
}

Result<void> DurableFile::reserve(Operation& op, std::uint64_t length) {
  if (length < kLeastReserved) return {};
  std::string step = fmt::format("reserve {} bytes", length);
  // Asked first: ext4 takes all there is before it finds that it does not suffice, and others fail meanwhile.
  struct statfs status;
  if (uninterrupted([&] { return op.calls().statfs(folder_of(path_), status); }) == 0 &&
      filesystem_type(status.f_type).local && status.f_blocks > 0) {
    auto free = static_cast<std::uint64_t>(status.f_bfree) * static_cast<std::uint64_t>(status.f_bsize);
    if (length > free) return op.failed(-ENOSPC, fmt::format("{} of {} free", step, free));
  }
  int result = uninterrupted([&] { return op.calls().reserve(fd_, static_cast<off_t>(length)); });
  bool known_too_little = result == -ENOSPC || result == -EDQUOT || result == -EFBIG;
  // Anything else is a filesystem that cannot reserve; writing will tell.
  if (known_too_little) return op.failed(result, step);
  return {};
}

Result<void> DurableFile::write(Operation& op, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (auto going = op.check(); !going) return going;
    ssize_t count = uninterrupted([&] { return op.calls().pwrite(fd_, bytes, static_cast<off_t>(size_)); });
    if (count < 0) return op.failed(count, "write");
    if (count == 0) return op.failed(-EIO, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    if (auto going = advance(op, static_cast<std::uint64_t>(count)); !going) return going;
  }
  return {};
}

Result<void> DurableFile::advance(Operation& op, std::uint64_t length) {
  size_ += length;
  if (progress_ != nullptr) *progress_ += length;
  if (size_ - written_back_ < kWritebackRun) return {};
  auto begin = static_cast<off_t>(written_back_);
  // Only a head start: what fails here fails again in the sync.
  op.calls().start_writeback(fd_, begin, static_cast<off_t>(size_) - begin);
  written_back_ = size_;
  // Where the sync has a time limit, little may be left for it, however slow the server: the runs before are
  // waited for.
  if ((volume_->guarded() || guard_ != nullptr) && begin > 0) {
    int result = uninterrupted([&] { return op.calls().wait_for_writeback(fd_, 0, begin); });
    if (result < 0 && !cannot_wait(result)) return op.failed(result, "write");
  }
  return {};
}

Result<WriteInfo> DurableFile::publish(Operation& op) {
  if (auto taken = take_over_attributes(op); !taken) return fail(std::move(taken).error());
  if (auto synced = sync_data(op); !synced) return fail(std::move(synced).error());
  auto info = take_name(op);
  if (!info) return info;
  SyncedFolders none;
  if (auto synced = sync_folders(op, none); !synced) return fail(std::move(synced).error());
  return info;
}

// A replaced file's owner and mode stay, as when it is truncated and written in place.
Result<void> DurableFile::take_over_attributes(Operation& op) {
  if (auto going = op.check(); !going) return going;
  if (!replaced_) return {};
  struct stat mine;
  if (int result = uninterrupted([&] { return op.calls().fstat(fd_, mine); }); result < 0) {
    return op.failed(result, "look at the new file");
  }
  // Giving a file away needs privileges; without them it is ours, as any new file is.
  if (replaced_->st_uid != mine.st_uid || replaced_->st_gid != mine.st_gid) {
    uninterrupted([&] { return op.calls().change_owner(fd_, replaced_->st_uid, replaced_->st_gid); });
  }
  mode_t mode = replaced_->st_mode & 0777;
  if (mode == (mine.st_mode & 0777)) return {};
  int result = uninterrupted([&] { return op.calls().change_mode(fd_, mode); });
  if (result < 0 && result != -EPERM && result != -EOPNOTSUPP) return op.failed(result, "keep the mode");
  return {};
}

Result<void> DurableFile::sync_data(Operation& op) {
  int result = uninterrupted([&] { return op.calls().fsync(fd_); });
  if (result < 0) return op.failed(result, "sync the data");
  return {};
}

Result<void> DurableFile::check_synced(Operation& op) {
  // Kernels before 5.8 do not say that syncing the filesystem has failed, but keep it for who asks for the file.
  int result = uninterrupted([&] { return op.calls().wait_for_writeback(fd_, 0, 0); });
  if (cannot_wait(result)) return sync_data(op);
  if (result < 0) return op.failed(result, "sync the data");
  return {};
}

Result<WriteInfo> DurableFile::take_name(Operation& op) {
  if (int result = op.calls().flush(fd_); result < 0 && result != -EINTR) return op.failed(result, "close");
  struct stat status;
  if (int result = uninterrupted([&] { return op.calls().fstat(fd_, status); }); result < 0) {
    return op.failed(result, "look at the new file");
  }
  if (static_cast<std::uint64_t>(status.st_size) != size_) {
    return op.failed(ErrorCode::kCorrupt, fmt::format("{} bytes were written, the file has {}", size_, status.st_size));
  }
  if (auto named = rename_into_place(op); !named) return fail(std::move(named).error());
  ObjectInfo info = object_info(status);
  return WriteInfo{.size = info.size, .version = std::move(info.version), .crc32c = {}};
}

Result<void> DurableFile::rename_into_place(Operation& op) {
  FileCalls& calls = op.calls();
  auto failed = [&](int result) {
    bool may_happen = was_left_behind(result);
    return op.failed(result, may_happen ? "rename; the new object may still appear, whole" : "rename");
  };
  if (!exclusive_) {
    int result = uninterrupted([&] { return calls.rename(temporary_, path_); });
    if (result < 0) return failed(result);
    temporary_.clear();
    return {};
  }
  int result = uninterrupted([&] { return calls.rename_no_replace(temporary_, path_); });
  if (result == 0) {
    temporary_.clear();
    return {};
  }
  // NFS and others know no such rename; a second name for the file is as exclusive.
  if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP) {
    result = uninterrupted([&] { return calls.link(temporary_, path_); });
  }
  if (result == -EEXIST) return op.failed(ErrorCode::kAlreadyExists, "an object of that name exists");
  if (result < 0) return failed(result);
  uninterrupted([&] { return calls.unlink(temporary_); });
  temporary_.clear();
  return {};
}

// The parents too: somebody may have made them a moment ago. Nothing is remembered between calls: a folder that
// was removed and made again can have its old inode back.
Result<void> DurableFile::sync_folders(Operation& op, SyncedFolders& done) const {
  const std::string& root = op.volume().root();
  std::string folder = folder_of(path_);
  while (true) {
    int result = sync_folder_once(op, folder, done);
    if (result == -ENOENT && op.check_root()) return {};  // removed meanwhile, and the object with it
    if (result < 0) {
      return op.failed(result, "sync the folder; the new object is there, whole, but may not survive a power cut");
    }
    if (folder.size() <= root.size() || !folder.starts_with(root)) return {};
    folder = folder_of(folder);
  }
}

int DurableFile::sync_folder_once(Operation& op, const std::string& folder, SyncedFolders& done) const {
  auto known = done.find(folder);
  if (known == done.end()) known = done.emplace(folder, sync_folder(op.calls(), folder)).first;
  // A folder that may be entered and not read cannot be opened. Journals take the rename along with the file.
  if (known->second == -EACCES) return uninterrupted([&] { return op.calls().fsync(fd_); });
  return known->second;
}

}  // namespace scabbard::posix
