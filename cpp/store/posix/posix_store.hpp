// Objects as files below a folder: the scheme "file".
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "scabbard/store.hpp"
#include "store/posix/file_calls.hpp"

namespace scabbard::posix {

struct Settings {
  /// How long one call to a filesystem that can hang may go unanswered.
  std::chrono::nanoseconds timeout = std::chrono::minutes(2);
  /// Which calls run on threads that may be left behind: all but those to local filesystems, all, none.
  enum class Guard { kAuto, kAlways, kNever } guard = Guard::kAuto;
  /// The seam for tests; nullptr: the kernel. Must outlive the store and calls left behind.
  FileCalls* calls = nullptr;
  /// What time limits are measured with; must outlive the store.
  Clock* clock = nullptr;
};

/// A store of the files below `root`, an absolute path of an existing folder. kNotFound, kInvalidArgument
/// (not a folder) or kPermissionDenied where it cannot be one; a folder on a mount that does not answer is
/// taken as it is.
Result<std::shared_ptr<Store>> open_store(StoreConfig config, std::string root, const Settings& settings);

/// What a folder is, by whatever path it is reached.
using FolderId = std::pair<dev_t, ino_t>;

/// That of a folder in a store (empty: its root). Nothing where it is not there, or the store has no files.
std::optional<FolderId> folder_id(const Context& ctx, Store& store, std::string_view folder);

/// The file that a reader reads. Nothing where it is not one of these, or reading it might hang.
std::optional<FileSource> source_of(const Reader& reader);

}  // namespace scabbard::posix
