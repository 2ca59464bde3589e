#include "store/copy.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "store/object_name.hpp"
#include "store/posix/posix_store.hpp"

namespace scabbard {
namespace {

// A batch holds a descriptor for each of its objects until it is synced, and shows none before that.
constexpr std::size_t kMostOfBatch = 128;
constexpr std::uint64_t kBatchBytes = std::uint64_t{32} << 20;

// From a file, the destination reads by itself: so it can do without memory of ours, and finish what died in the
// middle.
Result<WriteInfo> copy_by_reading(const Context& ctx, Store& source, std::string_view source_object, Store& destination,
                                  std::string_view object, CreateOptions options) {
  auto reader = source.open(ctx, source_object);
  if (!reader) return fail(std::move(reader).error());
  if (auto file = posix::source_of(**reader)) return destination.put_file(ctx, object, *file, options);
  options.length = (*reader)->info().size;
  auto writer = destination.create(ctx, object, options);
  if (!writer) return fail(std::move(writer).error());
  while (true) {
    auto buffer = (*writer)->acquire(ctx);
    if (!buffer) return fail(std::move(buffer).error());
    auto got = (*reader)->read(ctx, *buffer);
    if (!got) return fail(std::move(got).error());
    if (*got == 0) return (*writer)->finish(ctx);
    if (auto taken = (*writer)->commit(ctx, *got); !taken) return fail(std::move(taken).error());
  }
}

// Leaves room for what else a process has open. Each object needs two: source and destination.
std::size_t batch_size(unsigned jobs) {
  constexpr std::size_t kOthers = 32;
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= kOthers) return 1;
  return std::clamp<std::size_t>((limit.rlim_cur - kOthers) / (2 * std::max(jobs, 1U)), 1, kMostOfBatch);
}

// Hands out runs of entries to several threads.
class Batches {
 public:
  Batches(std::span<const FolderEntry> entries, unsigned jobs) : left_(entries), most_(batch_size(jobs)) {}

  std::span<const FolderEntry> next() {
    std::lock_guard lock(mutex_);
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    while (count < std::min(left_.size(), most_) && (count == 0 || bytes + left_[count].size <= kBatchBytes)) {
      bytes += left_[count++].size;
    }
    auto batch = left_.first(count);
    left_ = left_.subspan(count);
    return batch;
  }

 private:
  std::mutex mutex_;
  std::span<const FolderEntry> left_;
  const std::size_t most_;
};

std::vector<ObjectCopy> copies_of(const FolderCopy& copy, std::span<const FolderEntry> entries) {
  std::vector<ObjectCopy> copies;
  copies.reserve(entries.size());
  for (const FolderEntry& entry : entries) {
    copies.push_back({.source = joined(copy.source_folder, entry.name),
                      .object = joined(copy.destination_folder, entry.name),
                      .options = copy.options});
  }
  return copies;
}

bool is_unsupported(const Result<WriteInfo>& result) {
  return !result && result.error().code == ErrorCode::kUnsupported;
}

std::vector<ObjectCopy> copied(const Context& ctx, const FolderCopy& copy, std::span<const FolderEntry> batch) {
  auto copies = copies_of(copy, batch);
  try {
    copy.destination.copy_many_from(ctx, copy.source, copies);
    for (ObjectCopy& one : copies) {
      if (!is_unsupported(one.result)) continue;
      one.result = copy_by_reading(ctx, copy.source, one.source, copy.destination, one.object, one.options);
    }
  } catch (const std::bad_alloc&) {
    for (ObjectCopy& one : copies) one.result = fail(ErrorCode::kInternal, "out of memory");
  }
  return copies;
}

// Of the folder itself and those below it that have entries.
std::set<std::string> folders_of(std::string_view top, std::span<const FolderEntry> entries) {
  std::set<std::string> folders = {std::string(top)};
  for (const FolderEntry& entry : entries) {
    for (const std::string& name : folders_above(entry.name)) folders.insert(joined(top, name));
  }
  return folders;
}

}  // namespace

bool fails_for_all(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNoSpace:
    case ErrorCode::kReadOnly:
    case ErrorCode::kUnavailable:
    case ErrorCode::kClosed:
    case ErrorCode::kInternal:
      return true;
    default:
      return false;
  }
}

bool copies_into_itself(const Context& ctx, const FolderCopy& copy, std::span<const FolderEntry> entries) {
  std::set<posix::FolderId> sources;
  for (const std::string& folder : folders_of(copy.source_folder, entries)) {
    if (auto id = posix::folder_id(ctx, copy.source, folder)) sources.insert(*id);
  }
  if (sources.empty()) return false;
  // A folder that is still to be made will lie in the nearest that there is.
  std::string nearest = copy.destination_folder;
  while (!nearest.empty() && !posix::folder_id(ctx, copy.destination, nearest)) {
    nearest = nearest.substr(0, nearest.contains('/') ? nearest.rfind('/') : 0);
  }
  auto targets = folders_of(copy.destination_folder, entries);
  targets.insert(nearest);
  return std::ranges::any_of(targets, [&](const std::string& folder) {
    auto id = posix::folder_id(ctx, copy.destination, folder);
    return id && sources.contains(*id);
  });
}

Result<WriteInfo> copy_object(const Context& ctx, Store& source, std::string_view source_object, Store& destination,
                              std::string_view object, const CreateOptions& options) {
  auto copied = destination.copy_from(ctx, object, source, source_object, options);
  if (!is_unsupported(copied)) return copied;
  return copy_by_reading(ctx, source, source_object, destination, object, options);
}

void copy_entries(const Context& ctx, const FolderCopy& copy, std::span<const FolderEntry> entries,
                  const std::function<void(const ObjectCopy&)>& done) {
  Batches batches(entries, copy.jobs);
  std::mutex telling;
  std::atomic<bool> hopeless = false;
  auto work = [&] {
    for (auto batch = batches.next(); !batch.empty() && !hopeless && !ctx.ended(); batch = batches.next()) {
      for (const ObjectCopy& one : copied(ctx, copy, batch)) {
        if (!one.result && fails_for_all(one.result.error())) hopeless = true;
        std::lock_guard lock(telling);
        done(one);
      }
    }
  };
  std::vector<std::jthread> others;
  try {
    for (unsigned i = 1; i < copy.jobs; ++i) others.emplace_back(work);
  } catch (const std::exception&) {  // no more threads to be had: those there are do the work
  }
  work();
}

}  // namespace scabbard
