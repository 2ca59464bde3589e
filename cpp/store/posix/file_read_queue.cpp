#include "store/posix/file_read_queue.hpp"

#include <fmt/core.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <utility>

#include "store/posix/file_reader.hpp"

namespace scabbard::posix {
namespace {

// How many reader threads one queue keeps busy at most.
constexpr std::size_t kMostWorkers = 16;
// Entries of one object that share an open file; more than that are spread over threads.
constexpr std::size_t kMostEntriesPerJob = 32;

// Where the range begins in an object of `size` bytes.
std::uint64_t begin_of(const RangeRead& entry, std::uint64_t size) {
  if (entry.offset >= 0) return static_cast<std::uint64_t>(entry.offset);
  std::uint64_t back = 0 - static_cast<std::uint64_t>(entry.offset);
  return back > size ? 0 : size - back;
}

void read_entry(Operation& op, const OpenFile& file, RangeRead& entry) {
  const ObjectInfo& info = file.info();
  entry.object_size = info.size;
  entry.version = info.version;
  if (!entry.if_version.empty() && entry.if_version != info.version) {
    entry.got = op.failed(ErrorCode::kChanged, "another version is there");
    return;
  }
  entry.got = file.read(op, begin_of(entry, info.size), entry.into);
}

// All entries of a job are of one object.
void read_job(const Context& ctx, Volume& volume, std::span<RangeRead> job) {
  Operation op(volume, ctx, Access::kRead, "read", job.front().object);
  auto going = op.check();
  auto valid = going ? op.check_name() : std::move(going);
  auto file = valid ? OpenFile::open(op, volume, job.front().object) : fail(std::move(valid).error());
  for (RangeRead& entry : job) {
    if (file) {
      read_entry(op, *file, entry);
    } else {
      entry.got = fail(file.error());
    }
    // What the closing of the store cut off was not the caller's cancellation.
    if (!entry.got && volume.closed()) entry.got = op.failed(ErrorCode::kClosed, "the store is closed");
  }
}

// What queue and workers share. Neighbouring entries of one object are one job: one open file.
struct Jobs {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<std::span<RangeRead>> waiting;
  std::deque<RangeRead*> done;
  std::size_t under_way = 0;  // entries submitted and not handed back
  std::size_t workers = 0;
  std::stop_source cancel;
  bool cancelled = false;
};

void work(Jobs& jobs, Volume& volume) {
  std::unique_lock lock(jobs.mutex);
  while (!jobs.waiting.empty()) {
    std::span<RangeRead> job = jobs.waiting.front();
    jobs.waiting.pop_front();
    Context ctx = Context().with_clock(volume.clock()).with_cancel(jobs.cancel.get_token());
    lock.unlock();
    read_job(ctx, volume, job);
    lock.lock();
    for (RangeRead& entry : job) jobs.done.push_back(&entry);
    jobs.changed.notify_all();
  }
  --jobs.workers;
  jobs.changed.notify_all();
}

class FileReadQueue final : public ReadQueue {
 public:
  explicit FileReadQueue(std::shared_ptr<Volume> volume)
      : volume_(std::move(volume)), closing_(volume_->closing(), [jobs = jobs_] {
          std::lock_guard lock(jobs->mutex);
          jobs->cancel.request_stop();
          jobs->changed.notify_all();
        }) {}
  ~FileReadQueue() override { cancel(); }

  Result<void> submit(std::span<RangeRead> entries) override {
    if (volume_->closed()) return closed();
    std::lock_guard lock(jobs_->mutex);
    std::size_t begin = 0;
    while (begin < entries.size()) {
      std::size_t end = begin + 1;
      while (end < entries.size() && end - begin < kMostEntriesPerJob && entries[end].object == entries[begin].object) {
        ++end;
      }
      jobs_->waiting.push_back(entries.subspan(begin, end - begin));
      begin = end;
    }
    jobs_->under_way += entries.size();
    while (jobs_->workers < std::min(kMostWorkers, jobs_->waiting.size())) {
      // The queue waits for its workers before it lets go of the volume.
      if (!volume_->readers().post([jobs = jobs_, volume = volume_.get()] { work(*jobs, *volume); })) break;
      ++jobs_->workers;
    }
    if (jobs_->workers == 0 && !entries.empty()) {
      jobs_->waiting.clear();
      jobs_->under_way -= entries.size();
      return closed();
    }
    return {};
  }

  Result<std::size_t> wait(const Context& ctx, std::span<RangeRead*> done) override {
    std::unique_lock lock(jobs_->mutex);
    auto ended = ctx.wait(lock, jobs_->changed, [&] { return !jobs_->done.empty() || jobs_->under_way == 0; });
    if (ended)
      return fail(*ended, fmt::format("read from store {}: {}", volume_->quoted_name(), to_string(*ended)));
    std::size_t count = std::min(done.size(), jobs_->done.size());
    for (RangeRead*& slot : done.first(count)) {
      slot = jobs_->done.front();
      jobs_->done.pop_front();
    }
    jobs_->under_way -= count;
    return count;
  }

  void cancel() override {
    std::unique_lock lock(jobs_->mutex);
    jobs_->cancel.request_stop();
    jobs_->waiting.clear();
    jobs_->changed.wait(lock, [&] { return jobs_->workers == 0; });
    jobs_->done.clear();
    jobs_->under_way = 0;
    jobs_->cancel = std::stop_source();
  }

 private:
  std::unexpected<Error> closed() const {
    return fail(ErrorCode::kClosed,
                fmt::format("read from store {}: the store is closed", volume_->quoted_name()));
  }

  std::shared_ptr<Volume> volume_;
  std::shared_ptr<Jobs> jobs_ = std::make_shared<Jobs>();
  std::stop_callback<std::function<void()>> closing_;
};

}  // namespace

std::unique_ptr<ReadQueue> make_read_queue(std::shared_ptr<Volume> volume) {
  return std::make_unique<FileReadQueue>(std::move(volume));
}

}  // namespace scabbard::posix
