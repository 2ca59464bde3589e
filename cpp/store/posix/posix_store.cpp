#include "store/posix/posix_store.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/posix/copy_files.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/empty_folders.hpp"
#include "store/posix/file_lister.hpp"
#include "store/posix/file_read_queue.hpp"
#include "store/posix/file_reader.hpp"
#include "store/posix/file_writer.hpp"
#include "store/posix/filesystem_types.hpp"
#include "store/posix/mount_points.hpp"
#include "store/posix/put_file.hpp"
#include "store/posix/sweep.hpp"
#include "store/posix/volume.hpp"
#include "store/stand_in.hpp"

namespace scabbard::posix {
namespace {

// The manager asks for space under a lock that all its stores share: a mount that is slow must not hold it.
constexpr auto kSpaceLimit = std::chrono::milliseconds(250);
// What opening a store grants a mount before it is taken as it is.
constexpr auto kOpenLimit = std::chrono::seconds(5);

// statfs gives the same f_fsid for stores on one filesystem; where it gives none, the device does.
std::string filesystem_id(const struct statfs& status, dev_t device) {
  auto [high, low] = status.f_fsid.__val;
  if (high != 0 || low != 0)
    return fmt::format("{:08x}{:08x}", static_cast<unsigned>(high), static_cast<unsigned>(low));
  return fmt::format("dev-{:x}", device);
}

// As a root that what lies below it begins with, and a "/": that of all files, too.
std::string rooted(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path == "/" ? "/." : path;
}

class PosixStore final : public Store {
 public:
  explicit PosixStore(std::shared_ptr<Volume> volume) : volume_(std::move(volume)) {}
  ~PosixStore() override = default;

  const StoreConfig& config() const override { return volume_->config(); }
  std::string_view scheme() const override { return "file"; }
  Capabilities capabilities() const override {
    return {.exclusive_create = true,
            .object_beside_folder = false,
            .local_files = rooted(config().path) == volume_->root(),
            .immediate = !volume_->guarded(),
            .max_component = 255,
            .max_name = volume_->max_name()};
  }
  std::string location(std::string_view object) const override {
    if (object.empty()) return config().path;
    return config().path + (config().path.ends_with('/') ? "" : "/") + std::string(object);
  }

  Result<ObjectInfo> stat(const Context& ctx, std::string_view object) override {
    Operation op(*volume_, ctx, Access::kRead, "stat", object);
    if (auto going = op.check(); !going) return fail(std::move(going).error());
    if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
    struct stat status;
    std::string path = volume_->path_of(object);
    if (int result = uninterrupted([&] { return op.calls().stat(path, status); }); result < 0) {
      return op.failed(result, "");
    }
    volume_->saw_file(path, status.st_dev);
    if (!S_ISREG(status.st_mode)) return op.failed(ErrorCode::kNotRegularFile, "not a regular file");
    return object_info(status);
  }

  Result<std::unique_ptr<Reader>> open(const Context& ctx, std::string_view object) override {
    return FileReader::open(ctx, volume_, object);
  }

  Result<std::unique_ptr<Writer>> create(const Context& ctx, std::string_view object,
                                         const CreateOptions& options) override {
    return FileWriter::create(ctx, volume_, object, options);
  }

  Result<WriteInfo> put_file(const Context& ctx, std::string_view object, const FileSource& source,
                             const CreateOptions& options) override {
    return posix::put_file(ctx, volume_, object, source, options);
  }

  void copy_many_from(const Context& ctx, Store& source, std::span<ObjectCopy> copies) override {
    if (auto* files = dynamic_cast<PosixStore*>(&underlying(source))) {
      return copy_files(ctx, volume_, *files->volume_, copies);
    }
    for (ObjectCopy& copy : copies) {
      Operation op(*volume_, ctx, Access::kWrite, "put", copy.object);
      copy.result =
          op.failed(ErrorCode::kUnsupported, fmt::format("cannot copy from {} stores by itself", source.scheme()));
    }
  }

  Result<void> remove(const Context& ctx, std::string_view object) override {
    Operation op(*volume_, ctx, Access::kRead, "remove", object);
    if (auto writable = op.check_writable(); !writable) return writable;
    if (auto valid = op.check_name(); !valid) return valid;
    std::string path = volume_->path_of(object);
    struct stat status;
    int result = uninterrupted([&] { return op.calls().stat(path, status); });
    // A link to nowhere is not there to any other call, but may be removed.
    if (result == 0 && !S_ISREG(status.st_mode)) return op.failed(ErrorCode::kNotRegularFile, "not a regular file");
    if (result < 0 && result != -ENOENT && result != -ELOOP) return op.failed(result, "");
    result = uninterrupted([&] { return op.calls().unlink(path); });
    // Asked anew: to its caller, an object that is not there is one that was removed.
    if (auto stands = result == -ENOENT ? op.check_root() : Result<void>(); !stands) return stands;
    if (was_left_behind(result)) return op.failed(result, "it may still be removed");
    if (result < 0) return op.failed(result, "");
    result = sync_folder(op.calls(), path.substr(0, path.rfind('/')));
    // The folder went with the object, or may be entered and not read.
    bool needs_no_sync = (result == -ENOENT && op.check_root()) || result == -EACCES;
    if (result < 0 && !needs_no_sync) {
      return op.failed(result, "sync the folder; the object is gone, but may be back after a power cut");
    }
    return {};
  }

  Result<void> remove_folder(const Context& ctx, std::string_view folder) override {
    return remove_empty_folders(ctx, volume_, folder);
  }

  Result<std::unique_ptr<Lister>> list(const Context& ctx, const ListOptions& options) override {
    return list_files(ctx, volume_, options);
  }

  Result<Space> space(const Context& ctx) override {
    auto brief = ctx.with_timeout(kSpaceLimit);
    // Guarded even where the filesystem is local as far as is known: here is found out what it is now.
    bool never = volume_->settings().guard == Settings::Guard::kNever;
    Operation op(*volume_, brief, Access::kRead, "ask for the space of", "", never ? nullptr : volume_->guard());
    if (auto going = op.check(); !going) return fail(std::move(going).error());
    if (auto stands = op.check_root(); !stands) return fail(std::move(stands).error());
    struct statfs status;
    int result = uninterrupted([&] { return op.calls().statfs(volume_->root(), status); });
    if (result == kDeadlineError && !ctx.ended()) return last_space(op);
    if (result < 0) return op.failed(result, "");
    volume_->saw_filesystem(status);
    struct stat root{};
    uninterrupted([&] { return op.calls().stat(volume_->root(), root); });
    auto block = static_cast<std::uint64_t>(status.f_frsize != 0 ? status.f_frsize : status.f_bsize);
    Space space{.total = status.f_blocks * block,
                .free = status.f_bavail * block,
                .used = (status.f_blocks - status.f_bfree) * block,
                .read_only = (static_cast<unsigned long>(status.f_flags) & ST_RDONLY) != 0,
                .type = filesystem_type(status.f_type).name,
                .filesystem = filesystem_id(status, root.st_dev)};
    std::lock_guard lock(space_mutex_);
    space_ = space;
    return space;
  }

  Result<SweepResult> sweep(const Context& ctx) override { return posix::sweep(ctx, volume_); }
  Result<SweepResult> sweep_folder(const Context& ctx, std::string_view folder) override {
    return posix::sweep_folder(ctx, volume_, folder);
  }
  std::unique_ptr<ReadQueue> read_queue() override { return make_read_queue(volume_); }
  void close() override { volume_->close(); }

  std::optional<FolderId> folder_id(const Context& ctx, std::string_view folder) {
    Operation op(*volume_, ctx, Access::kRead, "look at folder", folder);
    struct stat status;
    std::string path = folder.empty() ? volume_->root() : volume_->path_of(folder);
    if (uninterrupted([&] { return op.calls().stat(path, status); }) < 0 || !S_ISDIR(status.st_mode)) return {};
    return FolderId{status.st_dev, status.st_ino};
  }

 private:
  // For a filesystem that is only slow. One that is out has no space to offer.
  Result<Space> last_space(const Operation& op) {
    std::lock_guard lock(space_mutex_);
    if (!space_ || volume_->guard()->out_since()) return op.failed(kOutError, "");
    return *space_;
  }

  std::shared_ptr<Volume> volume_;
  std::mutex space_mutex_;
  std::optional<Space> space_;  // the last answer
};

}  // namespace

Result<std::shared_ptr<Store>> open_store(StoreConfig config, std::string root, const Settings& settings) {
  root = rooted(std::move(root));
  auto volume = std::make_shared<Volume>(std::move(config), root, settings);
  auto brief = Context().with_clock(volume->clock()).with_timeout(kOpenLimit);
  Operation op(*volume, brief, Access::kRead, "open", "");
  std::string path = root + "/";
  int fd = uninterrupted([&] { return op.calls().open(path, O_RDONLY | O_DIRECTORY, 0); });
  // A folder that may be entered and not read is enough for everything but listing and sweeping it.
  if (fd == -EACCES) fd = uninterrupted([&] { return op.calls().open(path + ".", O_PATH | O_DIRECTORY, 0); });
  if (fd == -ENOTDIR) return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a folder", quote(root)));
  if (fd < 0) {
    Error failure = file_error(fd, Access::kRead, quote(root), "");
    bool answers = failure.code != ErrorCode::kUnavailable && failure.code != ErrorCode::kDeadlineExceeded;
    if (fd == -ENOENT) failure.message += "; make the folder, or mount its disk";
    if (answers) return fail(std::move(failure));
    // One dead mount must not keep a manager of twenty stores from starting.
    volume->opened_on(0, mount_point_of(root) == root);
    log::warn("open store {}: {}; opened all the same", volume->quoted_name(), failure.message);
    return std::make_shared<PosixStore>(std::move(volume));
  }
  struct stat folder;
  struct stat parent;
  if (uninterrupted([&] { return op.calls().fstat(fd, folder); }) == 0 &&
      uninterrupted([&] { return op.calls().stat(path + "..", parent); }) == 0) {
    volume->opened_on(folder.st_dev, folder.st_dev != parent.st_dev);
  }
  op.calls().close(fd);
  struct statfs status;
  if (uninterrupted([&] { return op.calls().statfs(path, status); }) == 0) volume->saw_filesystem(status);
  return std::make_shared<PosixStore>(std::move(volume));
}

std::optional<FolderId> folder_id(const Context& ctx, Store& store, std::string_view folder) {
  auto* files = dynamic_cast<PosixStore*>(&underlying(store));
  return files != nullptr ? files->folder_id(ctx, folder) : std::nullopt;
}

std::optional<FileSource> source_of(const Reader& reader) {
  const auto* file = dynamic_cast<const FileReader*>(&reader);
  return file != nullptr ? file->source() : std::nullopt;
}

}  // namespace scabbard::posix
