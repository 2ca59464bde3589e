#include "store/posix/empty_folders.hpp"

#include <dirent.h>

#include <cerrno>
#include <ranges>
#include <vector>

#include "store/posix/durable_file.hpp"
#include "store/posix/file_lister.hpp"
#include "store/posix/sweep.hpp"

namespace scabbard::posix {
namespace {

// The folder and those below it, each before those in it. Links are not followed. What dead writers left in them goes.
Result<std::vector<std::string>> folders_below(Operation& op, std::string top) {
  std::vector<std::string> folders = {std::move(top)};
  for (std::size_t next = 0; next < folders.size(); ++next) {
    if (auto going = op.check(); !going) return fail(std::move(going).error());
    std::vector<DirectoryEntry> entries;
    int result = uninterrupted([&] { return op.calls().read_directory(folders[next], entries); });
    if (result < 0 && result != -ENOENT && result != -ENOTDIR) return op.failed(result, "read the folder");
    bool is_root = folders[next] == op.volume().root();
    for (const DirectoryEntry& entry : entries) {
      std::string path = folders[next] + "/" + entry.name;
      if (is_root && entry.name == kLostAndFound) continue;
      if (entry.name.starts_with(temporary_prefix_of_host())) {
        if (auto swept = remove_if_dead(op, path); !swept) return fail(std::move(swept).error());
        continue;
      }
      bool may_be_folder = entry.type == DT_DIR || entry.type == DT_UNKNOWN;
      if (may_be_folder && !is_link(op.calls(), path, entry.type)) folders.push_back(std::move(path));
    }
  }
  return folders;
}

}  // namespace

Result<void> remove_empty_folders(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view folder) {
  Operation op(*volume, ctx, Access::kRead, "remove folder", folder);
  if (auto writable = op.check_writable(); !writable) return writable;
  bool is_root = folder.empty();
  if (auto valid = is_root ? Result<void>() : op.check_name(); !valid) return valid;
  if (auto stands = op.check_root(); !stands) return stands;
  std::string top = is_root ? volume->root() : volume->path_of(folder);
  if (!is_root && is_link(op.calls(), top, DT_UNKNOWN)) return {};
  auto folders = folders_below(op, std::move(top));
  if (!folders) return fail(std::move(folders).error());
  for (const std::string& path : *folders | std::views::drop(is_root ? 1 : 0) | std::views::reverse) {
    int result = uninterrupted([&] { return op.calls().remove_directory(path); });
    bool is_none = result == -ENOENT || result == -ENOTDIR;  // gone, or a file or link
    if (result < 0 && !is_none) return op.failed(result, "");
  }
  std::string parent = is_root ? volume->root() : folders->front().substr(0, folders->front().rfind('/'));
  int synced = sync_folder(op.calls(), parent);
  if (synced < 0 && synced != -ENOENT && synced != -EACCES) {
    return op.failed(synced, "sync the folder above; the folder is gone, but may be back after a power cut");
  }
  return {};
}

}  // namespace scabbard::posix
