#include "store/s3/s3_read_queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "store/s3/object_read.hpp"

namespace scabbard::s3 {
namespace {

constexpr std::uint64_t kMostMerged = net::Exchange::kMostHedged;
// The first credentials may have to be fetched.
constexpr auto kCredentialsLimit = std::chrono::seconds(30);

// One request, for one entry or several neighbours.
struct QueuedRead final : ObjectRead {
  QueuedRead(Bucket& bucket, std::vector<RangeRead*> of, std::span<std::byte> into)
      : ObjectRead(bucket, bucket.key_of(of.front()->object),
                   {.offset = of.front()->offset, .into = into, .if_version = std::string(of.front()->if_version)}),
        entries(std::move(of)) {}

  const std::vector<RangeRead*> entries;
  std::vector<std::byte> merged;  // where they are read to, if there are several
};

std::int64_t end_of(const RangeRead& entry) { return entry.offset + static_cast<std::int64_t>(entry.into.size()); }

bool may_merge(const RangeRead& entry) {
  return entry.offset >= 0 && !entry.into.empty() && entry.into.size() <= kMostMerged &&
         entry.offset <= std::numeric_limits<std::int64_t>::max() / 2;
}

// Puts entries together that become one request; those that stand alone come first.
std::vector<std::vector<RangeRead*>> grouped(std::span<RangeRead> entries, std::uint64_t merge_gap) {
  std::vector<std::vector<RangeRead*>> groups;
  std::vector<RangeRead*> candidates;
  for (RangeRead& entry : entries) {
    if (may_merge(entry)) {
      candidates.push_back(&entry);
    } else {
      groups.push_back({&entry});
    }
  }
  std::ranges::stable_sort(candidates, [](const RangeRead* a, const RangeRead* b) {
    return std::tie(a->object, a->if_version, a->offset) < std::tie(b->object, b->if_version, b->offset);
  });
  std::int64_t end = 0;
  for (RangeRead* entry : candidates) {
    const RangeRead* first = groups.empty() ? nullptr : groups.back().front();
    const bool joins = first != nullptr && may_merge(*first) && first->object == entry->object &&
                       first->if_version == entry->if_version &&
                       entry->offset <= end + static_cast<std::int64_t>(merge_gap) &&
                       std::max(end, end_of(*entry)) - first->offset <= static_cast<std::int64_t>(kMostMerged);
    if (joins) {
      groups.back().push_back(entry);
      end = std::max(end, end_of(*entry));
    } else {
      groups.push_back({entry});
      end = end_of(*entry);
    }
  }
  return groups;
}

class S3ReadQueue final : public ReadQueue, private net::Receiver {
 public:
  explicit S3ReadQueue(std::shared_ptr<Bucket> bucket) : bucket_(std::move(bucket)) { in_batches = true; }
  ~S3ReadQueue() override { cancel(); }

  Result<void> submit(std::span<RangeRead> entries) override {
    Operation op(*bucket_, context_, "read from", {});
    if (bucket_->closed()) return op.failed(ErrorCode::kClosed, "the store is closed");
    auto ready = bucket_->wait_for_credentials(Context().with_timeout(kCredentialsLimit));
    if (!ready) return op.failed(std::move(ready).error());
    std::vector<net::Exchange*> exchanges;
    {
      std::lock_guard lock(mutex_);
      for (auto& group : grouped(entries, bucket_->settings().merge_gap)) begin(std::move(group), exchanges);
      if (!done_.empty()) changed_.notify_all();
    }
    if (!exchanges.empty()) bucket_->client().submit(exchanges, *this);
    return {};
  }

  Result<std::size_t> wait(const Context& ctx, std::span<RangeRead*> done) override {
    std::unique_lock lock(mutex_);
    auto ended = ctx.wait(lock, changed_, [&] { return !done_.empty() || under_way_ == 0; });
    if (ended) return Operation(*bucket_, ctx, "read from", {}).failed(*ended, to_string(*ended));
    const std::size_t count = std::min(done.size(), done_.size());
    std::copy_n(done_.begin(), count, done.begin());
    done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

  void cancel() override {
    bucket_->client().cancel(*this);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
    done_.clear();
  }

 private:
  // Called with the lock held.
  void begin(std::vector<RangeRead*> entries, std::vector<net::Exchange*>& exchanges) {
    const RangeRead& first = *entries.front();
    Operation op(*bucket_, context_, "read", first.object);
    if (auto valid = op.check_name(); !valid) {
      for (RangeRead* entry : entries) finish(*entry, fail(valid.error()));
      return;
    }
    std::vector<std::byte> merged;
    if (entries.size() > 1) {
      std::int64_t end = 0;
      for (const RangeRead* entry : entries) end = std::max(end, end_of(*entry));
      merged.resize(static_cast<std::size_t>(end - first.offset));
    }
    auto into = merged.empty() ? first.into : std::span(merged);
    auto read = std::make_unique<QueuedRead>(*bucket_, std::move(entries), into);
    read->merged = std::move(merged);  // which stays where it is
    exchanges.push_back(read.release());
    ++under_way_;
  }

  void finished(std::span<net::Finished> some) override {
    std::lock_guard lock(mutex_);
    for (net::Finished& one : some) {
      const std::unique_ptr<const QueuedRead> read(static_cast<QueuedRead*>(one.exchange));
      for (RangeRead* entry : read->entries) finish(*entry, result_of(*read, *entry, one.result));
    }
    under_way_ -= some.size();
    changed_.notify_all();
  }

  Result<std::size_t> result_of(const QueuedRead& read, RangeRead& entry, const Result<void>& result) const {
    if (!result) return Operation(*bucket_, context_, "read", entry.object).failed(result.error());
    const ObjectInfo& info = read.info();
    entry.object_size = info.size;
    entry.version = info.version;
    if (read.merged.empty()) return read.got();
    const auto skipped = static_cast<std::size_t>(entry.offset - read.entries.front()->offset);
    const std::size_t there = read.got() - std::min(read.got(), skipped);
    const std::size_t got = std::min(there, entry.into.size());
    std::memcpy(entry.into.data(), read.merged.data() + skipped, got);
    return got;
  }

  void finish(RangeRead& entry, Result<std::size_t> got) {
    entry.got = std::move(got);
    done_.push_back(&entry);
  }

  const std::shared_ptr<Bucket> bucket_;
  const Context context_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t under_way_ = 0;    // requests, which the engine hands back
  std::deque<RangeRead*> done_;  // not handed back yet
};

}  // namespace

std::unique_ptr<ReadQueue> make_read_queue(std::shared_ptr<Bucket> bucket) {
  return std::make_unique<S3ReadQueue>(std::move(bucket));
}

}  // namespace scabbard::s3
