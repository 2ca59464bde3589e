#include "store/posix/file_lister.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/object_name.hpp"
#include "store/posix/durable_file.hpp"
#include "store/store_file.hpp"

namespace scabbard::posix {
namespace {

constexpr std::size_t kPageSize = 1000;
constexpr std::string_view kLostAndFound = "lost+found";

std::string joined(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : std::string(folder) + "/" + std::string(name);
}

// Whether the folder `name`, reached through a symlink, is one of those it lies in: following it would not
// end.
bool leads_back(Operation& op, std::string_view name, const struct stat& target) {
  while (true) {
    auto slash = name.rfind('/');
    name = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
    struct stat ancestor;
    std::string path = name.empty() ? op.volume().root() : op.volume().path_of(name);
    bool same = uninterrupted([&] { return op.calls().stat(path, ancestor); }) == 0 &&
                ancestor.st_ino == target.st_ino && ancestor.st_dev == target.st_dev;
    if (same || name.empty()) return same;
  }
}

class FileLister final : public Lister {
 public:
  FileLister(std::shared_ptr<Volume> volume, const ListOptions& options)
      : volume_(std::move(volume)), options_(options), folders_{options.folder} {}

  Result<std::vector<ListEntry>> next(const Context& ctx) override {
    Operation op(*volume_, ctx, Access::kRead, "list", options_.folder);
    while (page_.size() < kPageSize) {
      if (auto going = op.check(); !going) return fail(std::move(going).error());
      if (at_ < entries_.size()) {
        if (auto taken = take(op, entries_[at_]); !taken) return fail(std::move(taken).error());
        ++at_;
      } else if (folders_.empty()) {
        break;
      } else {
        if (auto opened = open_folder(op, folders_.back()); !opened) return fail(std::move(opened).error());
      }
    }
    // A disk that went away meanwhile is not the end of what it holds.
    if (auto stands = op.check_root(); !stands) return fail(std::move(stands).error());
    return std::exchange(page_, {});
  }

 private:
  Result<void> open_folder(Operation& op, const std::string& folder) {
    std::string path = folder.empty() ? volume_->root() : volume_->path_of(folder);
    std::vector<DirectoryEntry> entries;
    int result = uninterrupted([&] { return op.calls().read_directory(path, entries); });
    // Folders come and go; one that is missing (or is a file) has no objects. Nor has what ext4 keeps at the
    // root of a disk, which only root may read.
    bool is_root = folder.empty();
    bool has_none = (result == -ENOENT || result == -ENOTDIR) && !is_root;
    bool is_the_kernels = (result == -EACCES || result == -EPERM) && folder == kLostAndFound;
    if (result < 0 && !has_none && !is_the_kernels) return op.failed(result, "read folder " + quote(folder));
    folder_ = folder;
    folders_.pop_back();
    entries_ = std::move(entries);
    at_ = 0;
    return {};
  }

  Result<void> take(Operation& op, const DirectoryEntry& entry) {
    std::string name = joined(folder_, entry.name);
    if (!check_object_name(name) || name == kStoreFileName) return {};
    if (entry.type == DT_DIR) {
      take_folder(std::move(name), options_.recursive);
      return {};
    }
    if (options_.names_only && entry.type == DT_REG) {
      page_.push_back({.name = std::move(name), .is_folder = false, .info = {}});
      return {};
    }
    bool may_be_object = entry.type == DT_REG || entry.type == DT_LNK || entry.type == DT_UNKNOWN;
    if (!may_be_object) return {};
    struct stat status;
    int result = uninterrupted([&] { return op.calls().stat(volume_->path_of(name), status); });
    if (result == -ENOENT || result == -ELOOP || result == -ENOTDIR) return {};  // gone, or a link to nowhere
    if (result < 0) return op.failed(result, "stat " + quote(name));
    if (S_ISDIR(status.st_mode)) {
      bool enters =
          options_.recursive && (options_.follow_links || !is_link(op.calls(), volume_->path_of(name), entry.type));
      if (enters && leads_back(op, name, status)) return {};
      take_folder(std::move(name), enters);
    } else if (S_ISREG(status.st_mode)) {
      page_.push_back({.name = std::move(name), .is_folder = false, .info = object_info(status)});
    }
    return {};
  }

  void take_folder(std::string name, bool enters) {
    if (enters) {
      folders_.push_back(std::move(name));
    } else {
      page_.push_back({.name = std::move(name), .is_folder = true, .info = {}});
    }
  }

  std::shared_ptr<Volume> volume_;
  const ListOptions options_;
  std::vector<std::string> folders_;  // still to be read
  std::string folder_;                // being read
  std::vector<DirectoryEntry> entries_;
  std::size_t at_ = 0;
  std::vector<ListEntry> page_;  // outlasts a call that fails: the next one goes on from there
};

// Goes on past what it may not look into, and tells of the first thing that it could not remove in the end.
class Sweep {
 public:
  explicit Sweep(Operation& op) : op_(op) { folders_.push_back(op.volume().root()); }

  Result<SweepResult> run() {
    while (!folders_.empty()) {
      if (auto going = op_.check(); !going) return fail(std::move(going).error());
      std::string folder = std::move(folders_.back());
      folders_.pop_back();
      if (auto swept = sweep_folder(folder, true); !swept) return fail(std::move(swept).error());
    }
    // A writer to a linked file works beside what the link leads to, which may be outside of the store.
    for (const std::string& folder : beside_links_) {
      if (auto swept = sweep_folder(folder, false); !swept) return fail(std::move(swept).error());
    }
    if (of_other_hosts_ > 0) {
      log::info("store {} has {} temporaries of other hosts: leftovers, unless writers there are at work",
                op_.volume().quoted_name(), of_other_hosts_);
    }
    if (failure_) return fail(*std::move(failure_));
    return removed_;
  }

 private:
  Result<void> sweep_folder(const std::string& path, bool descend) {
    std::vector<DirectoryEntry> entries;
    int result = uninterrupted([&] { return op_.calls().read_directory(path, entries); });
    bool cannot =
        result == -ENOENT || result == -ENOTDIR || result == -EACCES || result == -ENAMETOOLONG || result == -ELOOP;
    if (cannot) return {};
    if (result < 0) return op_.failed(result, "read folder " + quote(path));
    for (const DirectoryEntry& entry : entries) {
      std::string inner = path + "/" + entry.name;
      if (entry.name.starts_with(temporary_prefix_of_host())) {
        sweep_file(inner);
      } else if (entry.name.starts_with(kTemporaryPrefix)) {
        ++of_other_hosts_;
      } else if (descend && is_link(op_.calls(), inner, entry.type)) {
        follow(inner);
      } else if (descend && (entry.type == DT_DIR || entry.type == DT_UNKNOWN)) {
        folders_.push_back(std::move(inner));  // what is no folder says so when it is read
      }
    }
    return {};
  }

  // Where a link leads may be another filesystem, which can hang; whoever comes next is to know.
  void follow(const std::string& link) {
    struct stat target;
    int found = uninterrupted([&] { return op_.calls().stat(link, target); });
    if (found == 0) op_.volume().saw_file(link, target.st_dev);
    if (found == 0 && S_ISDIR(target.st_mode)) {
      if (linked_folders_.emplace(target.st_dev, target.st_ino).second) folders_.push_back(link);
    } else if (auto file = follow_links(op_, link)) {
      beside_links_.insert(file->substr(0, file->rfind('/')));
    }
  }

  void sweep_file(const std::string& path) {
    FileCalls& calls = op_.calls();
    // For writing where it may be: NFS locks nothing exclusively by a descriptor that cannot write.
    constexpr int kFlags = O_NONBLOCK | O_NOFOLLOW;
    int fd = uninterrupted([&] { return calls.open(path, O_RDWR | kFlags, 0); });
    if (fd == -EACCES || fd == -EROFS) fd = uninterrupted([&] { return calls.open(path, O_RDONLY | kFlags, 0); });
    if (fd < 0) return;  // renamed into place a moment ago, or not ours to touch
    struct stat status;
    // The lock is what a living writer holds; where there are no locks nothing can be told, and it stays.
    bool dead = uninterrupted([&] { return calls.lock(fd); }) == 0 &&
                uninterrupted([&] { return calls.fstat(fd, status); }) == 0;
    int result = dead ? uninterrupted([&] { return calls.unlink(path); }) : 0;
    calls.close(fd);
    if (result < 0 && result != -ENOENT && !failure_) failure_ = op_.failed(result, "remove " + quote(path)).error();
    if (dead && result == 0) {
      ++removed_.files;
      removed_.bytes += static_cast<std::uint64_t>(status.st_size);
      log::info("removed leftover {} ({} bytes)", quote(path), status.st_size);
    }
  }

  Operation& op_;
  std::vector<std::string> folders_;  // still to be swept
  std::set<std::pair<dev_t, ino_t>> linked_folders_;
  std::set<std::string> beside_links_;
  SweepResult removed_;
  std::optional<Error> failure_;
  std::uint64_t of_other_hosts_ = 0;
};

}  // namespace

Result<std::unique_ptr<Lister>> list_files(const Context& ctx, std::shared_ptr<Volume> volume,
                                           const ListOptions& options) {
  Operation op(*volume, ctx, Access::kRead, "list", options.folder);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (!options.folder.empty()) {
    if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  }
  if (auto stands = op.check_root(); !stands) return fail(std::move(stands).error());
  return std::make_unique<FileLister>(std::move(volume), options);
}

Result<SweepResult> sweep(const Context& ctx, const std::shared_ptr<Volume>& volume) {
  // Guarded also where the root does not hang: it is the first to follow all links.
  bool never = volume->settings().guard == Settings::Guard::kNever;
  Operation op(*volume, ctx, Access::kRead, "sweep", "", never ? nullptr : volume->guard());
  if (auto writable = op.check_writable(); !writable) return fail(std::move(writable).error());
  auto stands = op.check_root();
  auto swept = stands ? Sweep(op).run() : fail(std::move(stands).error());
  // Nobody waits for a sweep that a plugin begins, so that it failed is said here.
  if (!swept && op.check()) log::warn("{}", swept.error().message);
  return swept;
}

}  // namespace scabbard::posix
