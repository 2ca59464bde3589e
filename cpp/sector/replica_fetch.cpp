#include "sector/replica_fetch.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/quantities.hpp"
#include "base/signals_blocked.hpp"
#include "base/text.hpp"
#include "sector/scalar.hpp"

namespace scabbard::sector {
namespace {

constexpr auto kFirstPause = std::chrono::seconds(1);
constexpr auto kLongestPause = std::chrono::seconds(15);
constexpr auto kBetweenReports = std::chrono::seconds(10);
constexpr std::size_t kTakenAtOnce = 512;

// Whether that is so for good. What says nothing of the object itself (a store in an outage, credentials that have
// expired, a full staging folder) may be otherwise in a while.
bool is_final(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
    case ErrorCode::kNotRegularFile:
    case ErrorCode::kInvalidPath:
      return true;
    case ErrorCode::kCorrupt:
      return !error.retryable;
    default:
      return false;
  }
}

// What was read of a sector's trees from the cache.
struct CachedRanges {
  std::uint64_t begin = std::numeric_limits<std::uint64_t>::max();  // of each tree file, what lies from here on
  std::vector<std::byte> bytes;                                     // of its reads, one after the other

  bool has(const PlannedRead& read) const { return read.file >= kFirstTree && read.offset >= begin; }
};

struct FetchedSector {
  FetchedSector(WantedReplica& of, const Shape& shape)
      : wanted(of), cache(of.staged != nullptr ? of.cache : nullptr), layout(TreeLayout::usual(shape)) {}

  std::span<const PlannedRead> reads_of(ReplicaFile file) const {
    return std::ranges::equal_range(reads, file, {}, &PlannedRead::file);
  }

  WantedReplica& wanted;
  TreeTopCache* cache;  // null where there is none, and once it did not help
  TreeLayout layout;
  bool layout_is_known = false;
  std::vector<PlannedRead> reads;  // sorted by file
  CachedRanges cached;
  unsigned plan = 0;  // counts the plans; what was asked for under an earlier one is dropped
  std::size_t files_left = 0;
  std::optional<Clock::Time> begun;
  std::optional<Error> met;  // what went wrong last
  bool is_settled = false;
};

std::vector<StagedRange> cached_ranges(const FetchedSector& sector, ReplicaFile file) {
  std::vector<StagedRange> ranges;
  std::size_t begin = 0;
  for (const PlannedRead& read : sector.reads) {
    if (!sector.cached.has(read)) continue;
    if (read.file == file)
      ranges.push_back({.read = read, .bytes = std::span(sector.cached.bytes).subspan(begin, read.length)});
    begin += read.length;
  }
  return ranges;
}

// A file that is to be read.
struct Task {
  FetchedSector* sector = nullptr;
  ReplicaFile file = kSealedFile;
  unsigned plan = 0;
  unsigned failures = 0;
};

// A file that is being read.
struct FileRead {
  Task task;
  std::string object;
  std::vector<PlannedRead> planned;
  std::vector<std::byte> memory;
  std::vector<RangeRead> entries;
  std::size_t left = 0;
};

class Lane;

class Fetch {
 public:
  Fetch(const Context& ctx, const Shape& shape, std::span<WantedReplica> replicas, const ReplicaFetchOptions& options);
  ~Fetch();
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  void run();

 private:
  friend class Lane;

  // With the lock held, where the threads run. The plan of a sector changes on the thread of its trees' store only,
  // which may therefore look at it without the lock.
  Lane& lane_of(Store& store);
  void plan(FetchedSector& sector);
  void begin_files(const Location& where, FetchedSector& sector, ReplicaFile first, ReplicaFile last);
  void settle(FetchedSector& sector, Result<void> result);
  static bool is_current(const Task& task) { return !task.sector->is_settled && task.sector->plan == task.plan; }

  // What becomes of a file that was read; an error where it is to be read again.
  Result<void> take(const FileRead& read);
  void take_tree_tops(const Task& task);
  static std::optional<CachedRanges> read_tree_tops(const TreeTops& tops, const FetchedSector& sector);
  std::optional<std::uint64_t> staged_length(const FileRead& read, std::uint64_t size);
  void finish_file(const FileRead& read, Result<void> result);

  Clock::Time next_look(Clock::Time now);
  bool is_overdue(const FetchedSector& sector, Clock::Time now);
  void give_up(const std::string& why);
  std::string missing_of(const FetchedSector& sector) const;
  FetchProgress progress() const;

  const Context& ctx_;
  const Shape& shape_;
  const ReplicaFetchOptions& options_;
  std::deque<FetchedSector> sectors_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t settled_ = 0;
  FetchProgress progress_;
  std::map<Store*, std::unique_ptr<Lane>> lanes_;  // the last: their threads use all others
};

// What is read of one store, by a thread. What is waited for is guarded by the fetch's mutex.
class Lane {
 public:
  Lane(Fetch& fetch, Store& store) : fetch_(fetch), store_(store) {}

  /// Those of `first` go before all others, in their order.
  void add(std::span<const Task> tasks, bool first) {
    waiting_.insert(first ? waiting_.begin() : waiting_.end(), tasks.begin(), tasks.end());
    changed_.notify_all();
  }
  std::size_t files_left() const { return waiting_.size() + later_.size() + reading_.size(); }
  /// It has answered since it last did not.
  bool is_answering() const { return last_success_ && (!last_failure_ || *last_success_ >= *last_failure_); }
  const std::string& name() const { return store_.config().name; }
  /// A file of a sector that is being read; may be null.
  const FileRead* reading_of(const FetchedSector& sector) const {
    const auto found =
        std::ranges::find(reading_, &sector, [](const auto& entry) { return entry.second->task.sector; });
    return found == reading_.end() ? nullptr : found->second.get();
  }
  /// Those that the store made by itself since this was begun, for whomever.
  std::uint64_t retries() const { return store_.stats().retries - retries_before_; }

  void start() {
    const SignalsBlocked blocked;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(fetch_.ctx_.with_cancel(stop)); });
  }
  void stop() { thread_.request_stop(); }

 private:
  void run(const Context& ctx) {
    queue_ = store_.read_queue();
    std::vector<RangeRead*> done(kTakenAtOnce);
    while (!ctx.ended()) {
      while (auto read = next_that_fits(ctx.now())) submit(*read);
      if (in_flight_ == 0) {
        wait_for_work(ctx);
        continue;
      }
      const auto due = next_due();
      const auto count = queue_->wait(due ? ctx.with_deadline(*due) : ctx, done);
      if (count) take({done.data(), *count});
    }
    queue_->cancel();
    queue_.reset();
  }

  // A file whose time has come, while there is room for one more read: what is left of that would often not do for a
  // file, and be idle.
  FileRead* next_that_fits(Clock::Time now) {
    const std::lock_guard lock(fetch_.mutex_);
    while (!later_.empty() && later_.begin()->first <= now) {
      waiting_.push_front(later_.begin()->second);
      later_.erase(later_.begin());
    }
    while (!waiting_.empty() && !Fetch::is_current(waiting_.front())) waiting_.pop_front();
    if (waiting_.empty()) return nullptr;
    if (in_flight_ >= fetch_.options_.max_reads) return nullptr;
    const Task& task = waiting_.front();
    auto planned = reads_of(task);
    if (!task.sector->begun) task.sector->begun = now;
    auto read = file_read(task, std::move(planned));
    waiting_.pop_front();
    FileRead* const begun = read.get();
    reading_.emplace(begun->object.data(), std::move(read));
    return begun;
  }

  std::vector<PlannedRead> reads_of(const Task& task) const {
    // Only looked at: that it can be opened and read, and by the way how long it is.
    if (task.sector->wanted.staged == nullptr) return {{.file = task.file, .length = kNodeSize}};
    std::vector<PlannedRead> reads;
    std::ranges::remove_copy_if(task.sector->reads_of(task.file), std::back_inserter(reads),
                                [&](const PlannedRead& read) { return task.sector->cached.has(read); });
    return reads;
  }

  std::string object_of(const Task& task) const {
    const WantedReplica& wanted = task.sector->wanted;
    if (task.file == kSealedFile) return wanted.sealed_file.object;
    return cache_object(wanted.cache_folder, fetch_.shape_, task.file);
  }

  std::unique_ptr<FileRead> file_read(const Task& task, std::vector<PlannedRead> planned) const {
    auto read = std::make_unique<FileRead>();
    read->task = task;
    read->object = object_of(task);
    read->planned = std::move(planned);
    std::size_t bytes = 0;
    for (const PlannedRead& range : read->planned) bytes += range.length;
    read->memory.resize(bytes);
    std::byte* into = read->memory.data();
    for (const PlannedRead& range : read->planned) {
      RangeRead& entry = read->entries.emplace_back();
      entry.object = read->object;
      entry.offset = static_cast<std::int64_t>(range.offset);
      entry.into = {into, range.length};
      into += range.length;
    }
    read->left = read->entries.size();
    return read;
  }

  void submit(FileRead& read) {
    if (read.entries.empty()) return finish(read);  // all of it was in the cache
    in_flight_ += read.entries.size();
    const auto taken = queue_->submit(read.entries);
    if (taken) return;
    in_flight_ -= read.entries.size();
    for (RangeRead& entry : read.entries) entry.got = fail(taken.error());
    finish(read);
  }

  void take(std::span<RangeRead* const> done) {
    in_flight_ -= done.size();
    for (const RangeRead* entry : done) {
      FileRead& read = *reading_.at(entry->object.data());
      if (--read.left == 0) finish(read);
    }
  }

  void finish(const FileRead& read) {
    auto taken = fetch_.take(read);
    Task task = read.task;
    const std::lock_guard lock(fetch_.mutex_);
    reading_.erase(read.object.data());
    if (taken) last_success_ = fetch_.ctx_.now();
    if (!taken && taken.error().code == ErrorCode::kUnavailable) last_failure_ = fetch_.ctx_.now();
    if (taken || !Fetch::is_current(task)) return;
    task.sector->met = std::move(taken).error();
    ++fetch_.progress_.retries;
    const auto pause = std::min<Clock::Duration>(kFirstPause * (1U << std::min(task.failures++, 4U)), kLongestPause);
    later_.emplace(fetch_.ctx_.now() + pause, task);
  }

  std::optional<Clock::Time> next_due() {
    const std::lock_guard lock(fetch_.mutex_);
    if (later_.empty()) return std::nullopt;
    return later_.begin()->first;
  }

  void wait_for_work(const Context& ctx) {
    std::unique_lock lock(fetch_.mutex_);
    const Context until = later_.empty() ? ctx : ctx.with_deadline(later_.begin()->first);
    std::ignore = until.wait(lock, changed_, [&] { return !waiting_.empty(); });
  }

  Fetch& fetch_;
  Store& store_;
  const std::uint64_t retries_before_ = store_.stats().retries;
  std::deque<Task> waiting_;
  std::multimap<Clock::Time, Task> later_;  // by when they are tried again
  std::optional<Clock::Time> last_success_;
  std::optional<Clock::Time> last_failure_;
  // By where the name of the object lies, which each entry shows. Only this thread changes it, with the lock held.
  std::unordered_map<const char*, std::unique_ptr<FileRead>> reading_;
  std::condition_variable_any changed_;
  std::unique_ptr<ReadQueue> queue_;
  std::size_t in_flight_ = 0;
  std::jthread thread_;  // the last: it uses all others
};

Fetch::Fetch(const Context& ctx, const Shape& shape, std::span<WantedReplica> replicas,
             const ReplicaFetchOptions& options)
    : ctx_(ctx), shape_(shape), options_(options) {
  for (WantedReplica& wanted : replicas) plan(sectors_.emplace_back(wanted, shape));
  progress_.sectors = sectors_.size();
}

Fetch::~Fetch() = default;

Lane& Fetch::lane_of(Store& store) {
  auto& lane = lanes_[&store];
  if (!lane) lane = std::make_unique<Lane>(*this, store);
  return *lane;
}

void Fetch::plan(FetchedSector& sector) {
  ++sector.plan;
  sector.reads = plan_reads(shape_, sector.layout, sector.wanted.leaves);
  sector.cached = {};
  sector.files_left = replica_files(shape_);
  begin_files(sector.wanted.sealed_file, sector, kSealedFile, kPersistentAux);
  const ReplicaFile last = sector.cache == nullptr ? replica_files(shape_) : kFirstTree;
  begin_files(sector.wanted.cache_folder, sector, kPersistentAux, last);
}

void Fetch::begin_files(const Location& where, FetchedSector& sector, ReplicaFile first, ReplicaFile last) {
  std::vector<Task> tasks;
  for (ReplicaFile file = first; file < last; ++file) {
    tasks.push_back({.sector = &sector, .file = file, .plan = sector.plan});
  }
  // Trees that had to wait for their p_aux do not wait for other sectors, too: some are to be ready early.
  lane_of(*where.store).add(tasks, first == kFirstTree);
}

void Fetch::run() {
  for (auto& [store, lane] : lanes_) lane->start();
  {
    std::unique_lock lock(mutex_);
    while (settled_ < sectors_.size()) {
      const Clock::Time now = ctx_.now();
      if (ctx_.ended()) {
        give_up("it could not be read in time");
      } else if (std::ranges::all_of(
                     sectors_, [&](const FetchedSector& one) { return one.is_settled || is_overdue(one, now); })) {
        give_up(fmt::format("it has not come within {}",
                            human_duration(std::chrono::duration_cast<std::chrono::seconds>(options_.sector_limit))));
      } else {
        std::ignore =
            ctx_.with_deadline(next_look(now)).wait(lock, changed_, [&] { return settled_ == sectors_.size(); });
        if (options_.tell && settled_ < sectors_.size()) options_.tell(progress());
      }
    }
    if (options_.tell) options_.tell(progress());
  }
  for (auto& [store, lane] : lanes_) lane->stop();
  lanes_.clear();
}

// Of a store that answers: an outage is waited for as long as there is time.
bool Fetch::is_overdue(const FetchedSector& sector, Clock::Time now) {
  return sector.begun && now - *sector.begun >= options_.sector_limit &&
         lane_of(*sector.wanted.sealed_file.store).is_answering() &&
         lane_of(*sector.wanted.cache_folder.store).is_answering();
}

// When to report, or to see whether nothing is left but what is overdue.
Clock::Time Fetch::next_look(Clock::Time now) {
  Clock::Time next = now + std::min<Clock::Duration>(kBetweenReports, options_.sector_limit);
  for (const FetchedSector& sector : sectors_) {
    if (sector.is_settled || !sector.begun) continue;
    const Clock::Time limit = *sector.begun + options_.sector_limit;
    if (limit > now) next = std::min(next, limit);
  }
  return next;
}

void Fetch::give_up(const std::string& why) {
  for (FetchedSector& sector : sectors_) {
    if (sector.is_settled) continue;
    Error error =
        sector.met.value_or(Error{.code = ErrorCode::kUnavailable, .message = missing_of(sector), .request_id = {}});
    error.message = fmt::format("{}: {}", why, error.message);
    settle(sector, fail(std::move(error)));
  }
}

std::string Fetch::missing_of(const FetchedSector& sector) const {
  for (const auto& [store, lane] : lanes_) {
    if (const FileRead* read = lane->reading_of(sector)) {
      return fmt::format("{} in store {} has not come", quote(read->object), quote(lane->name()));
    }
  }
  return "its turn has not come";
}

void Fetch::settle(FetchedSector& sector, Result<void> result) {
  if (sector.is_settled) return;
  ++(result ? progress_.ready : progress_.failed);
  if (result) sector.wanted.layout = sector.layout;
  sector.wanted.has_cached_tops = !sector.cached.bytes.empty();
  if (result && sector.wanted.has_cached_tops) ++progress_.cached;
  sector.wanted.result = std::move(result);
  sector.is_settled = true;
  if (++settled_ == sectors_.size()) changed_.notify_all();
}

Result<void> Fetch::take(const FileRead& read) {
  FetchedSector& sector = *read.task.sector;
  for (const RangeRead& entry : read.entries) {
    if (entry.got) continue;
    if (!is_final(entry.got.error())) return fail(entry.got.error());
    finish_file(read, fail(entry.got.error()));
    return {};
  }
  const auto length =
      read.entries.empty() ? sector.layout.size() : staged_length(read, read.entries.front().object_size);
  if (!length) return {};

  std::vector<StagedRange> ranges;
  for (std::size_t i = 0; i < read.entries.size(); ++i) {
    const RangeRead& entry = read.entries[i];
    if (*entry.got != entry.into.size() || entry.version != read.entries.front().version) {
      return fail(ErrorCode::kChanged, fmt::format("{} changed while it was read", quote(read.object)));
    }
    if (const auto at = first_that_is_no_scalar(entry.into)) {
      finish_file(read, fail(ErrorCode::kCorrupt, fmt::format("{} has bytes at {} which no sector has",
                                                              quote(read.object), read.planned[i].offset + *at)));
      return {};
    }
    ranges.push_back({.read = read.planned[i], .bytes = entry.into});
  }
  if (read.task.file >= kFirstTree)
    std::ranges::copy(cached_ranges(sector, read.task.file), std::back_inserter(ranges));
  if (sector.wanted.staged != nullptr) {
    if (auto staged = sector.wanted.staged->write(read.task.file, *length, ranges); !staged) return staged;
  }
  if (read.task.file == kPersistentAux && sector.cache != nullptr) take_tree_tops(read.task);
  finish_file(read, {});
  return {};
}

// Once p_aux tells which trees they are.
void Fetch::take_tree_tops(const Task& task) {
  FetchedSector& sector = *task.sector;
  const Node& comm_r_last = *sector.wanted.staged->comm_r_last();
  const auto tops = sector.cache->find(shape_, comm_r_last);
  const bool is_as_planned = tops && tops->layout() == sector.layout;
  auto cached = is_as_planned ? read_tree_tops(*tops, sector) : std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!is_current(task)) return;
  if (tops && !is_as_planned) {
    sector.layout = tops->layout();
    return plan(sector);
  }
  if (!cached) sector.cache = nullptr;
  if (cached) sector.cached = *std::move(cached);
  begin_files(sector.wanted.cache_folder, sector, kFirstTree, replica_files(shape_));
}

std::optional<CachedRanges> Fetch::read_tree_tops(const TreeTops& tops, const FetchedSector& sector) {
  CachedRanges cached{.begin = tops.begin(), .bytes = {}};
  for (const PlannedRead& read : sector.reads) {
    if (!cached.has(read)) continue;
    const std::size_t size = cached.bytes.size();
    cached.bytes.resize(size + read.length);
    const auto into = std::span(cached.bytes).subspan(size);
    if (tops.read(read.file - kFirstTree, read.offset, into) && !first_that_is_no_scalar(into)) continue;
    sector.cache->drop(*sector.wanted.staged->comm_r_last());
    return std::nullopt;
  }
  return cached;
}

// How long a file is staged that has `size` bytes. Nothing where it cannot be right, or its sector has to be planned
// anew, which is seen to.
std::optional<std::uint64_t> Fetch::staged_length(const FileRead& read, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (!is_current(read.task)) return std::nullopt;
  FetchedSector& sector = *read.task.sector;
  const ReplicaFile file = read.task.file;
  const auto refuse = [&](std::string_view what) {
    settle(sector, fail(ErrorCode::kCorrupt, fmt::format("{} has {} bytes, {}", quote(read.object), size, what)));
    return std::nullopt;
  };
  if (file < kFirstTree) {
    // The stock prover reads no further.
    const std::uint64_t least = file_size(shape_, sector.layout, file);
    if (size < least) return refuse(fmt::format("and has to have {}", least));
    return least;
  }
  const auto layout = TreeLayout::of_file(shape_, size);
  if (!layout) return refuse("which no tree of such a sector has");
  if (*layout != sector.layout) {
    if (sector.layout_is_known) return refuse("unlike another tree of its sector");
    sector.cache = nullptr;
    sector.layout = *layout;
    plan(sector);
  }
  sector.layout_is_known = true;
  if (sector.plan != read.task.plan) return std::nullopt;
  return size;
}

void Fetch::finish_file(const FileRead& read, Result<void> result) {
  const std::lock_guard lock(mutex_);
  if (!is_current(read.task)) return;
  FetchedSector& sector = *read.task.sector;
  if (!result) return settle(sector, std::move(result));
  progress_.reads += read.planned.size();
  progress_.bytes += read.memory.size();
  if (--sector.files_left > 0) return;
  if (sector.wanted.staged == nullptr) return settle(sector, {});
  auto checked = sector.wanted.staged->check(sector.layout, sector.reads);
  if (!checked && !sector.cached.bytes.empty()) {
    // All else of it is there, so that nothing but this changes its plan.
    sector.cache->drop(*sector.wanted.staged->comm_r_last());
    sector.cache = nullptr;
    return plan(sector);
  }
  settle(sector, std::move(checked));
}

FetchProgress Fetch::progress() const {
  FetchProgress now = progress_;
  for (const auto& [store, lane] : lanes_) now.retries += lane->retries();
  if (settled_ == sectors_.size()) return now;
  std::size_t most = 0;
  for (const auto& [store, lane] : lanes_) {
    if (lane->files_left() <= most) continue;
    most = lane->files_left();
    now.waiting_for = lane->name();
  }
  return now;
}

}  // namespace

std::string cache_object(const Location& cache_folder, const Shape& shape, ReplicaFile file) {
  std::string name = cache_file_name(shape, file);
  // A folder of this machine is a store by itself.
  return cache_folder.object.empty() ? name : fmt::format("{}/{}", cache_folder.object, name);
}

void fetch_replicas(const Context& ctx, const Shape& shape, std::span<WantedReplica> replicas,
                    const ReplicaFetchOptions& options) {
  Fetch(ctx, shape, replicas, options).run();
}

}  // namespace scabbard::sector
