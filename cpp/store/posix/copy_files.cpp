#include "store/posix/copy_files.hpp"

#include <vector>

#include "store/posix/file_reader.hpp"
#include "store/posix/filesystem_types.hpp"
#include "store/posix/put_file.hpp"

namespace scabbard::posix {
namespace {

// From so many files on, syncing the filesystem was quicker than syncing each (ext4).
constexpr std::size_t kLeastForFilesystem = 8;

// The filesystem of a store's root is known; where a link or a mount leads from there is not.
SourcePlace place_of(const Volume& volume, const OpenFile& file) {
  bool is_known = volume.settings().guard == Settings::Guard::kAuto && file.device() == volume.device();
  return is_known && !volume.guarded() ? SourcePlace::kLocal : SourcePlace::kUnknown;
}

// Files of /proc say that they are empty, and are not.
Result<void> check_has_ended(Operation& reading, const OpenFile& file) {
  if (file.info().size != 0) return {};
  std::byte one{};
  ssize_t count = uninterrupted([&] { return reading.calls().pread(file.descriptor(), std::span(&one, 1), 0); });
  if (count <= 0) return {};
  return reading.failed(ErrorCode::kNotRegularFile,
                        "a file of the kernel, which says that it is empty and is not: copy it through a pipe");
}

Result<WrittenFile> write_copy(const Context& ctx, const std::shared_ptr<Volume>& volume, Volume& from,
                               const ObjectCopy& copy) {
  Operation reading(from, ctx, Access::kRead, "open", copy.source);
  if (auto going = reading.check(); !going) return fail(std::move(going).error());
  if (auto valid = reading.check_name(); !valid) return fail(std::move(valid).error());
  auto file = OpenFile::open(reading, from, copy.source);
  if (!file) return fail(std::move(file).error());
  FileSource whole{.descriptor = file->descriptor(), .offset = 0, .length = file->info().size};
  auto written = write_file(ctx, volume, copy.object, whole, copy.options, place_of(from, *file));
  if (!written) return written;
  // The length is that of when it was opened.
  if (auto same = file->check_unchanged(reading); !same) return fail(std::move(same).error());
  if (auto ended = check_has_ended(reading, *file); !ended) return fail(std::move(ended).error());
  return written;
}

// Takes the copies through the last steps together. One whose result is an error takes no further one.
class Publication {
 public:
  void add(ObjectCopy& copy, WrittenFile written) { entries_.push_back({&copy, std::move(written)}); }

  void run() {
    each([](Entry& entry) { return entry.written.file.take_over_attributes(*entry.written.op); });
    sync_data();
    each([](Entry& entry) -> Result<void> {
      auto info = entry.written.file.take_name(*entry.written.op);
      if (!info) return fail(std::move(info).error());
      entry.copy->result = *std::move(info);
      return {};
    });
    SyncedFolders done;
    each([&](Entry& entry) { return entry.written.file.sync_folders(*entry.written.op, done); });
  }

 private:
  struct Entry {
    ObjectCopy* copy;
    WrittenFile written;
    bool synced_with_all = false;
  };

  template <class Step>
  void each(Step step) {
    for (Entry& entry : entries_) {
      if (!entry.copy->result) continue;
      if (auto done = step(entry); !done) entry.copy->result = fail(std::move(done).error());
    }
  }

  void sync_data() {
    std::vector<Entry*> together;
    for (Entry& entry : entries_) {
      if (entry.copy->result && may_sync_together(entry)) together.push_back(&entry);
    }
    if (together.size() >= kLeastForFilesystem && sync_tells_all(together.front()->written)) {
      WrittenFile& any = together.front()->written;
      int result = uninterrupted([&] { return any.op->calls().sync_filesystem(any.file.descriptor()); });
      // Where that failed each file is asked for its own failure, by an fsync.
      for (Entry* entry : together) entry->synced_with_all = result == 0;
    }
    each([](Entry& entry) {
      WrittenFile& written = entry.written;
      return entry.synced_with_all ? written.file.check_synced(*written.op) : written.file.sync_data(*written.op);
    });
  }

  // A server's files are synced one by one: what else it has to write is no business of ours.
  static bool may_sync_together(const Entry& entry) {
    const WrittenFile& written = entry.written;
    return written.guard == nullptr && !written.op->volume().guarded() && written.file.lies_with_root();
  }

  static bool sync_tells_all(const WrittenFile& any) {
    struct statfs status;
    int result = uninterrupted([&] { return any.op->calls().statfs(any.op->volume().root(), status); });
    return result == 0 && filesystem_type(status.f_type).sync_tells_all;
  }

  std::vector<Entry> entries_;
};

}  // namespace

void copy_files(const Context& ctx, const std::shared_ptr<Volume>& volume, Volume& source,
                std::span<ObjectCopy> copies) {
  Publication publication;
  for (ObjectCopy& copy : copies) {
    auto written = write_copy(ctx, volume, source, copy);
    if (written) {
      copy.result = WriteInfo{};
      publication.add(copy, *std::move(written));
    } else {
      copy.result = fail(std::move(written).error());
    }
  }
  publication.run();
}

}  // namespace scabbard::posix
