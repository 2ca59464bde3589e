// Copying objects between any two stores: by the destination itself where it can, else through this process.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "scabbard/store.hpp"

namespace scabbard {

/// Whether what failed one object would fail the others too: a full disk, a store that is read-only or does not answer.
bool fails_for_all(const Error& error);

/// One object. The error is that of the side that failed.
Result<WriteInfo> copy_object(const Context& ctx, Store& source, std::string_view source_object, Store& destination,
                              std::string_view object, const CreateOptions& options = {});

/// A folder and where it is to go; either may be empty, for a store as a whole.
struct FolderCopy {
  Store& source;
  std::string source_folder;
  Store& destination;
  std::string destination_folder;
  /// exclusive and progress, for each of the objects.
  CreateOptions options;
  /// How many objects, or batches of small ones, are copied at a time.
  unsigned jobs = 4;
};

/// An object of that folder: its name below it, and about how long it is.
struct FolderEntry {
  std::string name;
  std::uint64_t size = 0;
};

/// Whether one of the folders that would be written to is one that is read from, by whatever links, mounts or URLs:
/// copies would replace what is still to be copied.
bool copies_into_itself(const Context& ctx, const FolderCopy& copy, std::span<const FolderEntry> entries);

/// Copies the entries, small ones in batches that share their syncs. `done` is called once for each that was
/// begun, from threads of its own, one call at a time. When the context ends, or one fails for what the others would
/// fail for too (fails_for_all()), no further ones are begun.
void copy_entries(const Context& ctx, const FolderCopy& copy, std::span<const FolderEntry> entries,
                  const std::function<void(const ObjectCopy&)>& done);

}  // namespace scabbard
