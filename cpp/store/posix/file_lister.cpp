#include "store/posix/file_lister.hpp"

#include <dirent.h>

#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "store/object_name.hpp"
#include "store/store_file.hpp"

namespace scabbard::posix {
namespace {

constexpr std::size_t kPageSize = 1000;

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
      page_.push_back({.name = std::move(name), .info = {}});
      return {};
    }
    bool may_be_object = entry.type == DT_REG || entry.type == DT_LNK || entry.type == DT_UNKNOWN;
    if (!may_be_object) {
      take_other(std::move(name));
      return {};
    }
    struct stat status;
    int result = uninterrupted([&] { return op.calls().stat(volume_->path_of(name), status); });
    if (result == -ENOENT || result == -ELOOP || result == -ENOTDIR) {
      // A link to nowhere, if it is not gone.
      if (is_link(op.calls(), volume_->path_of(name), DT_UNKNOWN)) take_other(std::move(name));
      return {};
    }
    if (result < 0) return op.failed(result, "stat " + quote(name));
    if (S_ISDIR(status.st_mode)) {
      bool enters =
          options_.recursive && (options_.follow_links || !is_link(op.calls(), volume_->path_of(name), entry.type));
      if (enters && leads_back(op, name, status)) return {};
      take_folder(std::move(name), enters);
    } else if (S_ISREG(status.st_mode)) {
      page_.push_back({.name = std::move(name), .info = object_info(status)});
    } else {
      take_other(std::move(name));
    }
    return {};
  }

  void take_other(std::string name) {
    if (options_.others) page_.push_back({.name = std::move(name), .is_other = true, .info = {}});
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

}  // namespace

Result<std::unique_ptr<Lister>> list_files(const Context& ctx, std::shared_ptr<Volume> volume,
                                           const ListOptions& options) {
  Operation op(*volume, ctx, Access::kRead, "list", options.folder);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (!options.folder.empty()) {
    if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  }
  if (auto stands = op.check_root(); !stands) return fail(std::move(stands).error());
  bool may_be_link = !options.follow_links && !options.folder.empty();
  if (may_be_link && is_link(op.calls(), volume->path_of(options.folder), DT_UNKNOWN)) {
    return op.failed(ErrorCode::kNotRegularFile, "a link to a folder elsewhere");
  }
  return std::make_unique<FileLister>(std::move(volume), options);
}

}  // namespace scabbard::posix
