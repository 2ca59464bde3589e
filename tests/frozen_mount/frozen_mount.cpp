// A passthrough FUSE filesystem to freeze: serves a backing folder at a mount point, in the foreground,
// until it is killed, unmounted or its parent dies. A test stops it with SIGSTOP, and every call on the
// mount hangs until SIGCONT, as on a file server that has gone away.
//
//   frozen_mount [--leave-mounted] <backing folder> <mount point>
//
// Prints "ready" and a newline on stdout once the mount stands. However the process ends, the mount goes
// with it; --leave-mounted keeps it, so that its callers get ENOTCONN.
//
// Nothing is cached: entries and attributes expire at once and files are opened with direct I/O, so that
// every call reaches this process. Inodes are held by O_PATH descriptors and not by path, therefore an
// open file that was renamed over or removed can still be read, written and asked for its attributes.
// flock() is left to the kernel.
#define FUSE_USE_VERSION 312

#include <dirent.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// What the kernel has looked up and not yet forgotten. Safe from any thread.
class Inodes {
 public:
  explicit Inodes(Descriptor root) : root_(std::move(root)) {}

  int descriptor(fuse_ino_t id) const { return id == FUSE_ROOT_ID ? root_.get() : inode_of(id)->descriptor.get(); }

  /// A path that leads to the inode itself, for the calls that take no descriptor of kind O_PATH.
  std::string path(fuse_ino_t id) const { return "/proc/self/fd/" + std::to_string(descriptor(id)); }

  /// Counts one lookup of `name` and describes it; 0 or an errno.
  int look_up(fuse_ino_t parent, const char* name, fuse_entry_param& entry) {
    entry = {};
    Descriptor found(::openat(descriptor(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (found.get() < 0) return errno;
    if (::fstatat(found.get(), "", &entry.attr, AT_EMPTY_PATH) != 0) return errno;
    const std::scoped_lock lock(mutex_);
    // The descriptor pins the inode: its number cannot go to another file while it stands here.
    auto& inode = inodes_[{entry.attr.st_dev, entry.attr.st_ino}];
    if (!inode) inode = std::make_unique<Inode>(std::move(found), entry.attr.st_dev, entry.attr.st_ino);
    ++inode->lookups;
    entry.ino = reinterpret_cast<fuse_ino_t>(inode.get());
    return 0;
  }

  void forget(fuse_ino_t id, std::uint64_t lookups) {
    if (id == FUSE_ROOT_ID) return;
    auto* inode = inode_of(id);
    const std::scoped_lock lock(mutex_);
    inode->lookups -= lookups;
    if (inode->lookups == 0) inodes_.erase({inode->device, inode->number});
  }

 private:
  struct Inode {
    Inode(Descriptor opened, dev_t dev, ino_t ino) : descriptor(std::move(opened)), device(dev), number(ino) {}
    const Descriptor descriptor;
    const dev_t device;
    const ino_t number;
    std::uint64_t lookups = 0;
  };

  // The numbers by which the kernel knows inodes are their addresses.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  static Inode* inode_of(fuse_ino_t id) { return reinterpret_cast<Inode*>(id); }

  const Descriptor root_;
  std::mutex mutex_;
  std::map<std::pair<dev_t, ino_t>, std::unique_ptr<Inode>> inodes_;
};

struct Directory {
  DIR* stream = nullptr;
  off_t position = 0;
};

Inodes& inodes(fuse_req_t request) { return *static_cast<Inodes*>(fuse_req_userdata(request)); }
int folder(fuse_req_t request, fuse_ino_t id) { return inodes(request).descriptor(id); }
int file(const fuse_file_info* info) { return static_cast<int>(info->fh); }
// NOLINTNEXTLINE(performance-no-int-to-ptr)
Directory* directory(const fuse_file_info* info) { return reinterpret_cast<Directory*>(info->fh); }

void reply_status(fuse_req_t request, int returned) { fuse_reply_err(request, returned < 0 ? errno : 0); }

void reply_entry(fuse_req_t request, fuse_ino_t parent, const char* name) {
  fuse_entry_param entry;
  if (const int error = inodes(request).look_up(parent, name, entry)) {
    fuse_reply_err(request, error);
  } else if (fuse_reply_entry(request, &entry) != 0) {
    inodes(request).forget(entry.ino, 1);  // the caller was killed meanwhile
  }
}

// --- names -------------------------------------------------------------------------------------------

void look_up(fuse_req_t request, fuse_ino_t parent, const char* name) { reply_entry(request, parent, name); }

void forget(fuse_req_t request, fuse_ino_t id, std::uint64_t lookups) {
  inodes(request).forget(id, lookups);
  fuse_reply_none(request);
}

void forget_many(fuse_req_t request, size_t count, fuse_forget_data* forgotten) {
  for (const auto& each : std::span(forgotten, count)) inodes(request).forget(each.ino, each.nlookup);
  fuse_reply_none(request);
}

void make_directory(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  if (::mkdirat(folder(request, parent), name, mode) != 0) return reply_status(request, -1);
  reply_entry(request, parent, name);
}

/// A FIFO, a socket or a device.
void make_node(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  if (::mknodat(folder(request, parent), name, mode, device) != 0) return reply_status(request, -1);
  reply_entry(request, parent, name);
}

void make_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  if (::symlinkat(target, folder(request, parent), name) != 0) return reply_status(request, -1);
  reply_entry(request, parent, name);
}

void link(fuse_req_t request, fuse_ino_t id, fuse_ino_t parent, const char* name) {
  const auto source = inodes(request).path(id);
  if (::linkat(AT_FDCWD, source.c_str(), folder(request, parent), name, AT_SYMLINK_FOLLOW) != 0) {
    return reply_status(request, -1);
  }
  reply_entry(request, parent, name);
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply_status(request, ::unlinkat(folder(request, parent), name, 0));
}

void remove_directory(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply_status(request, ::unlinkat(folder(request, parent), name, AT_REMOVEDIR));
}

void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent, const char* new_name,
            unsigned flags) {
  reply_status(request, ::renameat2(folder(request, parent), name, folder(request, new_parent), new_name, flags));
}

void read_link(fuse_req_t request, fuse_ino_t id) {
  std::array<char, PATH_MAX + 1> target{};
  const auto length = ::readlinkat(inodes(request).descriptor(id), "", target.data(), PATH_MAX);
  if (length < 0) return reply_status(request, -1);
  fuse_reply_readlink(request, target.data());
}

// --- attributes --------------------------------------------------------------------------------------

void get_attributes(fuse_req_t request, fuse_ino_t id, fuse_file_info* /*info*/) {
  struct stat status{};
  if (::fstatat(inodes(request).descriptor(id), "", &status, AT_EMPTY_PATH) != 0) return reply_status(request, -1);
  fuse_reply_attr(request, &status, 0);
}

int change_times(const std::string& path, const struct stat& wanted, int which) {
  const auto time = [which](int given, int now, timespec value) {
    if ((which & now) != 0) return timespec{0, UTIME_NOW};
    return (which & given) != 0 ? value : timespec{0, UTIME_OMIT};
  };
  const std::array times{time(FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, wanted.st_atim),
                         time(FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, wanted.st_mtim)};
  return ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0);
}

int change_attributes(Inodes& known, fuse_ino_t id, const struct stat& wanted, int which, const fuse_file_info* info) {
  const auto path = known.path(id);
  if ((which & FUSE_SET_ATTR_MODE) != 0 && ::chmod(path.c_str(), wanted.st_mode) != 0) return -1;
  if ((which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0) {
    const auto owner = (which & FUSE_SET_ATTR_UID) != 0 ? wanted.st_uid : static_cast<uid_t>(-1);
    const auto group = (which & FUSE_SET_ATTR_GID) != 0 ? wanted.st_gid : static_cast<gid_t>(-1);
    if (::fchownat(known.descriptor(id), "", owner, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0) return -1;
  }
  if ((which & FUSE_SET_ATTR_SIZE) != 0) {
    const int done =
        info != nullptr ? ::ftruncate(file(info), wanted.st_size) : ::truncate(path.c_str(), wanted.st_size);
    if (done != 0) return -1;
  }
  if ((which & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) != 0) return change_times(path, wanted, which);
  return 0;
}

void set_attributes(fuse_req_t request, fuse_ino_t id, struct stat* wanted, int which, fuse_file_info* info) {
  if (change_attributes(inodes(request), id, *wanted, which, info) != 0) return reply_status(request, -1);
  get_attributes(request, id, info);
}

void stat_filesystem(fuse_req_t request, fuse_ino_t id) {
  struct statvfs status{};
  if (::fstatvfs(inodes(request).descriptor(id), &status) != 0) return reply_status(request, -1);
  fuse_reply_statfs(request, &status);
}

// --- files -------------------------------------------------------------------------------------------

/// O_DIRECT asks for an alignment that the buffers here do not have; the kernel has resolved the name.
int backing_flags(int flags) { return (flags & ~(O_DIRECT | O_NOFOLLOW)) | O_CLOEXEC; }

void open_file(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
  const auto path = inodes(request).path(id);
  const int fd = ::open(path.c_str(), backing_flags(info->flags));
  if (fd < 0) return reply_status(request, -1);
  info->fh = static_cast<std::uint64_t>(fd);
  info->direct_io = 1;
  if (fuse_reply_open(request, info) != 0) ::close(fd);
}

void create_file(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  Descriptor created(::openat(folder(request, parent), name, backing_flags(info->flags) | O_CREAT, mode));
  if (created.get() < 0) return reply_status(request, -1);
  fuse_entry_param entry;
  if (const int error = inodes(request).look_up(parent, name, entry)) {
    fuse_reply_err(request, error);
    return;
  }
  const int fd = ::fcntl(created.get(), F_DUPFD_CLOEXEC, 0);
  info->fh = static_cast<std::uint64_t>(fd);
  info->direct_io = 1;
  if (fd < 0 || fuse_reply_create(request, &entry, info) != 0) {
    inodes(request).forget(entry.ino, 1);
    if (fd < 0) return reply_status(request, -1);
    ::close(fd);
  }
}

void read_file(fuse_req_t request, fuse_ino_t /*id*/, size_t size, off_t offset, fuse_file_info* info) {
  std::vector<char> bytes(size);
  const auto got = ::pread(file(info), bytes.data(), size, offset);
  if (got < 0) return reply_status(request, -1);
  fuse_reply_buf(request, bytes.data(), static_cast<size_t>(got));
}

void write_file(fuse_req_t request, fuse_ino_t /*id*/, const char* bytes, size_t size, off_t offset,
                fuse_file_info* info) {
  const auto taken = ::pwrite(file(info), bytes, size, offset);
  if (taken < 0) return reply_status(request, -1);
  fuse_reply_write(request, static_cast<size_t>(taken));
}

void copy_range(fuse_req_t request, fuse_ino_t /*from*/, off_t from_offset, fuse_file_info* from, fuse_ino_t /*to*/,
                off_t to_offset, fuse_file_info* to, size_t length, int /*flags*/) {
  const auto copied = ::copy_file_range(file(from), &from_offset, file(to), &to_offset, length, 0);
  if (copied < 0) return reply_status(request, -1);
  fuse_reply_write(request, static_cast<size_t>(copied));
}

void seek_file(fuse_req_t request, fuse_ino_t /*id*/, off_t offset, int whence, fuse_file_info* info) {
  const auto position = ::lseek(file(info), offset, whence);
  if (position < 0) return reply_status(request, -1);
  fuse_reply_lseek(request, position);
}

void allocate(fuse_req_t request, fuse_ino_t /*id*/, int mode, off_t offset, off_t length, fuse_file_info* info) {
  reply_status(request, ::fallocate(file(info), mode, offset, length));
}

void sync_file(fuse_req_t request, fuse_ino_t /*id*/, int data_only, fuse_file_info* info) {
  reply_status(request, data_only != 0 ? ::fdatasync(file(info)) : ::fsync(file(info)));
}

/// Every close() of a descriptor of the mount; what closing the backing file reports is passed on.
void flush_file(fuse_req_t request, fuse_ino_t /*id*/, fuse_file_info* info) {
  const int copy = ::fcntl(file(info), F_DUPFD_CLOEXEC, 0);
  reply_status(request, copy < 0 ? -1 : ::close(copy));
}

void release_file(fuse_req_t request, fuse_ino_t /*id*/, fuse_file_info* info) {
  reply_status(request, ::close(file(info)));
}

// --- directories -------------------------------------------------------------------------------------

void open_directory(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
  auto opened = std::make_unique<Directory>();
  opened->stream = ::opendir(inodes(request).path(id).c_str());
  if (opened->stream == nullptr) return reply_status(request, -1);
  info->fh = reinterpret_cast<std::uint64_t>(opened.get());
  if (fuse_reply_open(request, info) != 0) {
    ::closedir(opened->stream);
    return;
  }
  std::ignore = opened.release();  // release_directory has it
}

void read_directory(fuse_req_t request, fuse_ino_t /*id*/, size_t size, off_t offset, fuse_file_info* info) {
  auto& opened = *directory(info);
  if (offset != opened.position) ::seekdir(opened.stream, offset);
  opened.position = offset;
  std::vector<char> page(size);
  size_t used = 0;
  errno = 0;
  while (const dirent* entry = ::readdir(opened.stream)) {
    struct stat status{};
    status.st_ino = entry->d_ino;
    status.st_mode = DTTOIF(entry->d_type);
    const size_t needed =
        fuse_add_direntry(request, page.data() + used, size - used, entry->d_name, &status, entry->d_off);
    if (needed > size - used) {  // goes onto the next page
      ::seekdir(opened.stream, opened.position);
      break;
    }
    used += needed;
    opened.position = entry->d_off;
    errno = 0;
  }
  if (used == 0 && errno != 0) return reply_status(request, -1);
  fuse_reply_buf(request, page.data(), used);
}

void sync_directory(fuse_req_t request, fuse_ino_t /*id*/, int data_only, fuse_file_info* info) {
  const int fd = ::dirfd(directory(info)->stream);
  reply_status(request, data_only != 0 ? ::fdatasync(fd) : ::fsync(fd));
}

void release_directory(fuse_req_t request, fuse_ino_t /*id*/, fuse_file_info* info) {
  const std::unique_ptr<Directory> opened(directory(info));
  reply_status(request, ::closedir(opened->stream));
}

fuse_lowlevel_ops operations() {
  fuse_lowlevel_ops ops{};
  ops.lookup = look_up;
  ops.forget = forget;
  ops.forget_multi = forget_many;
  ops.mknod = make_node;
  ops.mkdir = make_directory;
  ops.symlink = make_symlink;
  ops.link = link;
  ops.unlink = unlink;
  ops.rmdir = remove_directory;
  ops.rename = rename;
  ops.readlink = read_link;
  ops.getattr = get_attributes;
  ops.setattr = set_attributes;
  ops.statfs = stat_filesystem;
  ops.open = open_file;
  ops.create = create_file;
  ops.read = read_file;
  ops.write = write_file;
  ops.copy_file_range = copy_range;
  ops.lseek = seek_file;
  ops.fallocate = allocate;
  ops.fsync = sync_file;
  ops.flush = flush_file;
  ops.release = release_file;
  ops.opendir = open_directory;
  ops.readdir = read_directory;
  ops.fsyncdir = sync_directory;
  ops.releasedir = release_directory;
  return ops;
}

int serve(Inodes& known, const char* mount_point, bool leave_mounted) {
  // auto_unmount leaves a fusermount3 behind that unmounts when this process is gone, killed or not.
  const char* mount_options = leave_mounted ? "default_permissions,fsname=frozen_mount"
                                            : "default_permissions,fsname=frozen_mount,auto_unmount";
  std::array<char*, 3> arguments{const_cast<char*>("frozen_mount"), const_cast<char*>("-o"),
                                 const_cast<char*>(mount_options)};
  fuse_args args = FUSE_ARGS_INIT(static_cast<int>(arguments.size()), arguments.data());
  const auto ops = operations();
  fuse_session* session = fuse_session_new(&args, &ops, sizeof ops, &known);
  if (session == nullptr) return 1;
  int failed = 1;
  if (fuse_set_signal_handlers(session) == 0) {
    if (fuse_session_mount(session, mount_point) == 0) {
      std::puts("ready");
      std::fflush(stdout);
      fuse_loop_config* config = fuse_loop_cfg_create();
      failed = fuse_session_loop_mt(session, config) < 0 ? 1 : 0;  // above 0: ended by that signal
      fuse_loop_cfg_destroy(config);
      fuse_session_unmount(session);
    }
    fuse_remove_signal_handlers(session);
  }
  fuse_session_destroy(session);
  fuse_opt_free_args(&args);
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  // A stopped process dies of SIGKILL, and its connection with it: a test that is killed leaves nothing.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::umask(0);
  const std::span arguments(argv, static_cast<size_t>(argc));
  const bool leave_mounted = argc == 4 && std::string_view(argv[1]) == "--leave-mounted";
  if (argc != 3 && !leave_mounted) {
    std::fputs("usage: frozen_mount [--leave-mounted] <backing folder> <mount point>\n", stderr);
    return 2;
  }
  Descriptor root(::open(arguments[arguments.size() - 2], O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) {
    std::perror(arguments[arguments.size() - 2]);
    return 1;
  }
  Inodes known(std::move(root));
  return serve(known, arguments.back(), leave_mounted);
}
