#include "store/posix/sweep.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <set>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/object_name.hpp"
#include "store/posix/durable_file.hpp"

namespace scabbard::posix {
namespace {

// Goes on past what it may not look into, and tells of the first thing that it could not remove in the end.
class Sweep {
 public:
  explicit Sweep(Operation& op) : op_(op) {}

  Result<SweepResult> run() {
    folders_.push_back(op_.volume().root());
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

  Result<SweepResult> run_in(const std::string& folder) {
    if (auto swept = sweep_folder(folder, false); !swept) return fail(std::move(swept).error());
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
    auto size = remove_if_dead(op_, path);
    if (!size && !failure_) failure_ = size.error();
    if (!size || !*size) return;
    ++removed_.files;
    removed_.bytes += **size;
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

Result<std::optional<std::uint64_t>> remove_if_dead(Operation& op, const std::string& path) {
  FileCalls& calls = op.calls();
  // For writing where it may be: NFS locks nothing exclusively by a descriptor that cannot write.
  constexpr int kFlags = O_NONBLOCK | O_NOFOLLOW;
  int fd = uninterrupted([&] { return calls.open(path, O_RDWR | kFlags, 0); });
  if (fd == -EACCES || fd == -EROFS) fd = uninterrupted([&] { return calls.open(path, O_RDONLY | kFlags, 0); });
  if (fd < 0) return std::nullopt;  // renamed into place a moment ago, or not ours to touch
  struct stat status;
  // The lock is what a living writer holds; where there are no locks nothing can be told, and it stays.
  bool dead =
      uninterrupted([&] { return calls.lock(fd); }) == 0 && uninterrupted([&] { return calls.fstat(fd, status); }) == 0;
  int result = dead ? uninterrupted([&] { return calls.unlink(path); }) : 0;
  calls.close(fd);
  if (result < 0 && result != -ENOENT) return op.failed(result, "remove " + quote(path));
  if (!dead || result < 0) return std::nullopt;
  log::info("removed leftover {} ({} bytes)", quote(path), status.st_size);
  return static_cast<std::uint64_t>(status.st_size);
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

Result<SweepResult> sweep_folder(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view folder) {
  Operation op(*volume, ctx, Access::kRead, "sweep", folder);
  if (auto writable = op.check_writable(); !writable) return fail(std::move(writable).error());
  if (auto stands = op.check_root(); !stands) return fail(std::move(stands).error());
  return Sweep(op).run_in(folder.empty() ? volume->root() : volume->path_of(folder));
}

}  // namespace scabbard::posix
