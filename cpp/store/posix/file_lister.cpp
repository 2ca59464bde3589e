#include "store/posix/file_lister.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/object_name.hpp"
#include "store/posix/durable_file.hpp"

namespace scabbard::posix {
namespace {

constexpr std::size_t kPageSize = 1000;

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
      : volume_(std::move(volume)), top_(options.folder), recursive_(options.recursive), folders_{options.folder} {}

  Result<std::vector<ListEntry>> next(const Context& ctx) override {
    Operation op(*volume_, ctx, Access::kRead, "list", top_);
    std::vector<ListEntry> page;
    while (page.size() < kPageSize) {
      if (auto going = op.check(); !going) return fail(std::move(going).error());
      if (at_ < entries_.size()) {
        if (auto taken = take(op, entries_[at_++], page); !taken) return fail(std::move(taken).error());
      } else if (folders_.empty()) {
        break;
      } else if (auto opened = open_next_folder(op); !opened) {
        return fail(std::move(opened).error());
      }
    }
    return page;
  }

 private:
  Result<void> open_next_folder(Operation& op) {
    folder_ = std::move(folders_.back());
    folders_.pop_back();
    entries_.clear();
    at_ = 0;
    std::string path = folder_.empty() ? volume_->root() : volume_->path_of(folder_);
    int result = uninterrupted([&] { return op.calls().read_directory(path, entries_); });
    // Folders come and go; one that is missing (or is a file) has no objects.
    bool is_root = folder_.empty();
    if ((result == -ENOENT || result == -ENOTDIR) && !is_root) return {};
    if (result < 0) return op.failed(result, "read folder " + quote(folder_));
    return {};
  }

  Result<void> take(Operation& op, const DirectoryEntry& entry, std::vector<ListEntry>& page) {
    std::string name = joined(folder_, entry.name);
    if (!check_object_name(name) || name == kStoreFile) return {};
    if (entry.type == DT_DIR) {
      take_folder(std::move(name), page);
      return {};
    }
    bool may_be_object = entry.type == DT_REG || entry.type == DT_LNK || entry.type == DT_UNKNOWN;
    if (!may_be_object) return {};
    struct stat status;
    int result = uninterrupted([&] { return op.calls().stat(volume_->path_of(name), status); });
    if (result == -ENOENT || result == -ELOOP || result == -ENOTDIR) return {};  // gone, or a link to nowhere
    if (result < 0) return op.failed(result, "stat " + quote(name));
    if (S_ISDIR(status.st_mode)) {
      if (recursive_ && leads_back(op, name, status)) return {};
      take_folder(std::move(name), page);
    } else if (S_ISREG(status.st_mode)) {
      page.push_back({.name = std::move(name), .is_folder = false, .info = object_info(status)});
    }
    return {};
  }

  void take_folder(std::string name, std::vector<ListEntry>& page) {
    if (recursive_) {
      folders_.push_back(std::move(name));
    } else {
      page.push_back({.name = std::move(name), .is_folder = true, .info = {}});
    }
  }

  std::shared_ptr<Volume> volume_;
  const std::string top_;
  const bool recursive_;
  std::vector<std::string> folders_;  // still to be read
  std::string folder_;                // being read
  std::vector<DirectoryEntry> entries_;
  std::size_t at_ = 0;
};

class Sweep {
 public:
  explicit Sweep(Operation& op) : op_(op), root_(op.volume().root()) {}

  Result<SweepResult> run() {
    while (!folders_.empty()) {
      if (auto going = op_.check(); !going) return fail(std::move(going).error());
      std::string folder = std::move(folders_.back());
      folders_.pop_back();
      if (auto swept = sweep_folder(folder, true); !swept) return fail(std::move(swept).error());
    }
    // A writer to a symlink works beside what it leads to, which may be outside of the store.
    for (const std::string& folder : linked_) {
      if (auto swept = sweep_folder(folder, false); !swept) return fail(std::move(swept).error());
    }
    if (of_other_hosts_ > 0) {
      log::info("store {} has {} temporaries of other hosts: leftovers, unless writers there are at work",
                op_.volume().quoted_name(), of_other_hosts_);
    }
    return removed_;
  }

 private:
  Result<void> sweep_folder(const std::string& path, bool descend) {
    std::vector<DirectoryEntry> entries;
    int result = uninterrupted([&] { return op_.calls().read_directory(path, entries); });
    if (result == -ENOENT || result == -ENOTDIR || result == -EACCES) return {};
    if (result < 0) return op_.failed(result, "read folder " + quote(path));
    for (const DirectoryEntry& entry : entries) {
      std::string inner = path + "/" + entry.name;
      if (entry.name.starts_with(temporary_prefix_of_host())) {
        if (auto done = sweep_file(inner); !done) return done;
      } else if (entry.name.starts_with(kTemporaryPrefix)) {
        ++of_other_hosts_;
      } else if (descend && entry.type == DT_LNK) {
        if (auto target = follow_links(op_, inner)) linked_.insert(target->substr(0, target->rfind('/')));
      } else if (descend && (entry.type == DT_DIR || entry.type == DT_UNKNOWN)) {
        folders_.push_back(std::move(inner));  // what is no folder says so when it is read
      }
    }
    return {};
  }

  Result<void> sweep_file(const std::string& path) {
    FileCalls& calls = op_.calls();
    int fd = uninterrupted([&] { return calls.open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0); });
    if (fd < 0) return {};  // renamed into place a moment ago, or not ours to touch
    struct stat status;
    // The lock is what a living writer holds; where there are no locks nothing can be told, and it stays.
    bool dead = uninterrupted([&] { return calls.lock(fd); }) == 0 &&
                uninterrupted([&] { return calls.fstat(fd, status); }) == 0;
    int result = dead ? uninterrupted([&] { return calls.unlink(path); }) : 0;
    calls.close(fd);
    if (result < 0 && result != -ENOENT) return op_.failed(result, "remove " + quote(path));
    if (dead && result == 0) {
      ++removed_.files;
      removed_.bytes += static_cast<std::uint64_t>(status.st_size);
      log::info("removed leftover {} ({} bytes)", quote(path), status.st_size);
    }
    return {};
  }

  Operation& op_;
  const std::string root_;
  std::vector<std::string> folders_{root_};
  std::set<std::string> linked_;
  SweepResult removed_;
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
  Operation op(*volume, ctx, Access::kWrite, "sweep", "");
  if (auto writable = op.check_writable(); !writable) return fail(std::move(writable).error());
  auto swept = Sweep(op).run();
  // Nobody waits for a sweep that a plugin begins, so that it failed is said here.
  if (!swept && op.check()) log::warn("{}", swept.error().message);
  return swept;
}

}  // namespace scabbard::posix
