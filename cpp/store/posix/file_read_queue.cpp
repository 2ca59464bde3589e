#include "store/posix/file_read_queue.hpp"

#include <fmt/core.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <stop_token>
#include <utility>

#include "store/posix/file_reader.hpp"

namespace scabbard::posix {
namespace {

// How many tasks of one queue the reader threads have at most.
constexpr std::size_t kMostTasks = 16;
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
void read_entries(const Context& ctx, Volume& volume, std::span<RangeRead> job) {
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

// Runs on a thread of the pool, where nothing may be thrown.
void read_job(const Context& ctx, Volume& volume, std::span<RangeRead> job) {
  try {
    read_entries(ctx, volume, job);
  } catch (const std::bad_alloc&) {
    for (RangeRead& entry : job) entry.got = fail(ErrorCode::kInternal, "out of memory");
  }
}

// What a queue and its tasks share. Neighbouring entries of one object are one job: one open file.
struct Jobs {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<std::span<RangeRead>> waiting;
  std::deque<RangeRead*> done;
  std::size_t under_way = 0;  // entries submitted and not handed back
  std::size_t posted = 0;     // tasks that have not begun
  std::size_t running = 0;    // tasks that are at a job, and so in the caller's memory
  std::stop_source cancel;
};

void work(const std::shared_ptr<Jobs>& jobs, Volume& volume);

// Called with the lock held. The pool is the volume's and ends before it.
bool post_task(const std::shared_ptr<Jobs>& jobs, Volume& volume) {
  if (!volume.readers().post([jobs, &volume] { work(jobs, volume); })) return false;
  ++jobs->posted;
  return true;
}

// A task does one job and queues up again, so that a long queue does not keep a short one waiting. One that
// begins after its queue was emptied or cancelled finds nothing to do.
void work(const std::shared_ptr<Jobs>& jobs, Volume& volume) {
  std::unique_lock lock(jobs->mutex);
  --jobs->posted;
  while (!jobs->waiting.empty()) {
    std::span<RangeRead> job = jobs->waiting.front();
    jobs->waiting.pop_front();
    Context ctx = Context().with_clock(volume.clock()).with_cancel(jobs->cancel.get_token());
    ++jobs->running;
    lock.unlock();
    read_job(ctx, volume, job);
    lock.lock();
    --jobs->running;
    for (RangeRead& entry : job) jobs->done.push_back(&entry);
    jobs->changed.notify_all();
    // Where the pool takes no more, as when the store is closed, the rest is done here.
    if (!jobs->waiting.empty() && post_task(jobs, volume)) return;
  }
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
    // Those that run may hang: what waits is not left to them.
    while (jobs_->posted < jobs_->waiting.size() && jobs_->posted + jobs_->running < kMostTasks &&
           post_task(jobs_, *volume_)) {
    }
    if (jobs_->posted + jobs_->running > 0 || entries.empty()) return {};
    jobs_->waiting.clear();
    jobs_->under_way -= entries.size();
    if (volume_->closed()) return closed();
    Error none = fail(ErrorCode::kInternal, fmt::format("read from store {}: the system gives no thread; raise the "
                                                        "limit (ulimit -u, TasksMax=)",
                                                        volume_->quoted_name()))
                     .error();
    none.retryable = true;
    return fail(std::move(none));
  }

  Result<std::size_t> wait(const Context& ctx, std::span<RangeRead*> done) override {
    std::unique_lock lock(jobs_->mutex);
    auto ended = ctx.wait(lock, jobs_->changed, [&] { return !jobs_->done.empty() || jobs_->under_way == 0; });
    if (ended) return fail(*ended, fmt::format("read from store {}: {}", volume_->quoted_name(), to_string(*ended)));
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
    // Also what others submit meanwhile.
    jobs_->changed.wait(lock, [&] {
      jobs_->waiting.clear();
      return jobs_->running == 0;
    });
    jobs_->done.clear();
    jobs_->under_way = 0;
    jobs_->cancel = std::stop_source();
    jobs_->changed.notify_all();
  }

 private:
  std::unexpected<Error> closed() const {
    return fail(ErrorCode::kClosed, fmt::format("read from store {}: the store is closed", volume_->quoted_name()));
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
