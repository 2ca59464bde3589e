// A file that gets its name only when it is whole and on disk.
//
// It is written under a temporary name in the folder where it will be: "<kTemporaryPrefix><host>-<pid>-<n>",
// with an exclusive flock held from creation to the end, by which a sweep tells the living from the dead.
// publish() syncs the data, checks what close() would report, renames, and syncs the folders. A failed sync
// is final: the kernel has marked the pages clean, so trying again would only seem to succeed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "scabbard/store.hpp"
#include "store/posix/volume.hpp"

namespace scabbard::posix {

/// The part of a temporary's name that is the same for all of this host.
const std::string& temporary_prefix_of_host();

/// Where a write to `path` really goes: `path`, or what it leads to where it is a symlink, be it broken.
Result<std::string> follow_links(Operation& op, std::string path);

/// Makes what was done to the names in a folder last. 0 or -errno.
int sync_folder(FileCalls& calls, const std::string& path);

/// What syncing a folder gave: 0 or -errno. Files that become visible together share their folders' syncs.
using SyncedFolders = std::map<std::string, int>;

/// Belongs to one thread at a time.
class DurableFile {
 public:
  /// Begins a file that is to stand at `object`; makes folders as needed. `guard`: what its calls go
  /// through instead of the volume's own way, may be null.
  static Result<DurableFile> create(Operation& op, std::shared_ptr<Volume> volume, std::string_view object,
                                    const CreateOptions& options, std::shared_ptr<Guard> guard = nullptr);
  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&&) = delete;
  /// Gives the file up if it was not published.
  ~DurableFile();

  int descriptor() const { return fd_; }
  std::uint64_t size() const { return size_; }

  /// Makes sure that `length` bytes will fit. kNoSpace where they do not.
  Result<void> reserve(Operation& op, std::uint64_t length);
  /// Appends.
  Result<void> write(Operation& op, std::span<const std::byte> bytes);
  /// Notes `length` bytes that were written past write(), and gets long runs on their way to the disk, so
  /// that the sync at the end is short.
  Result<void> advance(Operation& op, std::uint64_t length);

  /// The four steps below, one after the other.
  Result<WriteInfo> publish(Operation& op);

  /// Gives it the owner and mode of the file that it replaces.
  Result<void> take_over_attributes(Operation& op);
  /// Puts the data on the disk.
  Result<void> sync_data(Operation& op);
  /// The same where the whole filesystem was synced just now: asks whether this file's data got there.
  Result<void> check_synced(Operation& op);
  /// Makes it visible.
  Result<WriteInfo> take_name(Operation& op);
  /// Makes the name last: syncs the folder and its parents up to the root, but for those in `done`.
  Result<void> sync_folders(Operation& op, SyncedFolders& done) const;

  /// Whether it lies on the same filesystem as the store's root.
  bool lies_with_root() const { return device_ == volume_->device(); }

 private:
  DurableFile(std::shared_ptr<Volume> volume, std::shared_ptr<Guard> guard, std::string path,
              const CreateOptions& options)
      : volume_(std::move(volume)),
        guard_(std::move(guard)),
        path_(std::move(path)),
        exclusive_(options.exclusive),
        through_link_(options.through_link),
        progress_(options.progress) {}

  Result<void> look_at_target(Operation& op);
  Result<void> open_temporary(Operation& op);
  bool claim(FileCalls& calls);
  Result<void> rename_into_place(Operation& op);
  int sync_folder_once(Operation& op, const std::string& folder, SyncedFolders& done) const;

  std::shared_ptr<Volume> volume_;
  std::shared_ptr<Guard> guard_;
  std::string path_;
  std::string temporary_;  // empty once published
  bool exclusive_;
  bool through_link_;
  std::atomic<std::uint64_t>* progress_;
  std::optional<struct stat> replaced_;
  int fd_ = -1;
  std::optional<dev_t> device_;
  std::uint64_t size_ = 0;
  std::uint64_t written_back_ = 0;
};

}  // namespace scabbard::posix
