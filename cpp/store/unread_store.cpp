#include "store/unread_store.hpp"

#include <fmt/core.h>

#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

#include "base/text.hpp"
#include "store/posix/mount_points.hpp"
#include "store/stand_in.hpp"

namespace scabbard {
namespace {

// What is granted to a folder by those who may not wait: the manager asks for space under a lock of all stores.
constexpr auto kQuick = std::chrono::milliseconds(250);

class UnreadStore final : public Store, public StandIn, public std::enable_shared_from_this<UnreadStore> {
 public:
  UnreadStore(StoreConfig config, std::shared_ptr<posix::BoundedAccess> access, OpenFolder open)
      : config_(std::move(config)),
        shown_(config_),
        mount_point_(posix::mount_point_of(config_.path)),
        access_(std::move(access)),
        open_(std::move(open)) {
    if (shown_.name.empty()) shown_.name = shown_.path;
  }

  const StoreConfig& config() const override {
    auto store = opened();
    return store != nullptr ? store->config() : shown_;
  }
  std::string_view scheme() const override {
    auto store = opened();
    return store != nullptr ? store->scheme() : "file";
  }
  Capabilities capabilities() const override {
    auto store = opened();
    return store != nullptr ? store->capabilities() : Capabilities{};
  }
  std::string location(std::string_view object) const override {
    return object.empty() ? config_.path : config_.path + "/" + std::string(object);
  }

  Result<ObjectInfo> stat(const Context& ctx, std::string_view object) override {
    return with_store(ctx, [&](Store& store) { return store.stat(ctx, object); });
  }
  Result<std::unique_ptr<Reader>> open(const Context& ctx, std::string_view object) override {
    return with_store(ctx, [&](Store& store) { return store.open(ctx, object); });
  }
  Result<std::unique_ptr<Writer>> create(const Context& ctx, std::string_view object,
                                         const CreateOptions& options) override {
    return with_store(ctx, [&](Store& store) { return store.create(ctx, object, options); });
  }
  Result<WriteInfo> put_file(const Context& ctx, std::string_view object, const FileSource& source,
                             const CreateOptions& options) override {
    return with_store(ctx, [&](Store& store) { return store.put_file(ctx, object, source, options); });
  }
  void copy_many_from(const Context& ctx, Store& source, std::span<ObjectCopy> copies) override {
    auto store = opened(ctx);
    if (store) return (*store)->copy_many_from(ctx, source, copies);
    for (ObjectCopy& copy : copies) copy.result = fail(store.error());
  }
  Result<void> remove(const Context& ctx, std::string_view object) override {
    return with_store(ctx, [&](Store& store) { return store.remove(ctx, object); });
  }
  void remove_many(const Context& ctx, std::span<ObjectRemoval> removals) override {
    auto store = opened(ctx);
    if (store) return (*store)->remove_many(ctx, removals);
    for (ObjectRemoval& removal : removals) removal.result = fail(store.error());
  }
  Result<void> remove_folder(const Context& ctx, std::string_view folder) override {
    return with_store(ctx, [&](Store& store) { return store.remove_folder(ctx, folder); });
  }
  Result<std::unique_ptr<Lister>> list(const Context& ctx, const ListOptions& options) override {
    return with_store(ctx, [&](Store& store) { return store.list(ctx, options); });
  }
  Result<Space> space(const Context& ctx) override {
    auto store = opened_quickly(ctx);
    if (!store) return fail(std::move(store).error());
    auto space = (*store)->space(ctx);
    // The host has noted what was known when it opened the store.
    if (space) space->read_only = space->read_only || config().read_only;
    return space;
  }
  Result<SweepResult> sweep(const Context& ctx) override {
    return with_store(ctx, [&](Store& store) { return store.sweep(ctx); });
  }
  Result<SweepResult> sweep_folder(const Context& ctx, std::string_view folder) override {
    return with_store(ctx, [&](Store& store) { return store.sweep_folder(ctx, folder); });
  }
  Result<std::vector<UnfinishedWrite>> unfinished_writes(const Context& ctx, std::string_view name) override {
    return with_store(ctx, [&](Store& store) { return store.unfinished_writes(ctx, name); });
  }
  Result<void> give_up(const Context& ctx, const UnfinishedWrite& write) override {
    return with_store(ctx, [&](Store& store) { return store.give_up(ctx, write); });
  }
  StoreStats stats() const override {
    auto store = opened();
    return store != nullptr ? store->stats() : Store::stats();
  }
  std::unique_ptr<ReadQueue> read_queue() override;
  Store& underlying() override {
    auto store = opened();
    return store != nullptr ? *store : static_cast<Store&>(*this);
  }

  void close() override {
    std::shared_ptr<Store> store;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      store = store_;
      changed_.notify_all();
    }
    access_->stop();
    if (store != nullptr) store->close();
  }

  // The store itself, opened now if its folder answers by now. One caller tries, the others wait for it.
  Result<std::shared_ptr<Store>> opened(const Context& ctx) {
    std::unique_lock lock(mutex_);
    auto ended = ctx.wait(lock, changed_, [&] { return store_ != nullptr || closed_ || !opening_; });
    if (closed_) return closed();
    if (store_ != nullptr) return store_;
    if (ended) return failed(fail(*ended, std::string(to_string(*ended))).error());
    opening_ = true;
    lock.unlock();
    auto store = try_to_open(ctx);
    lock.lock();
    opening_ = false;
    changed_.notify_all();
    if (closed_) return closed();
    if (!store) return failed(std::move(store).error());
    store_ = *std::move(store);
    return store_;
  }

  // For callers who may not wait: that the time was too short is the store's fault and not theirs.
  Result<std::shared_ptr<Store>> opened_quickly(const Context& ctx) {
    auto store = opened(ctx.with_timeout(kQuick));
    if (!store && store.error().code == ErrorCode::kDeadlineExceeded && !ctx.ended()) {
      return fail(ErrorCode::kUnavailable, std::move(store.error().message));
    }
    return store;
  }

 private:
  std::shared_ptr<Store> opened() const {
    std::lock_guard lock(mutex_);
    return store_;
  }

  Result<std::shared_ptr<Store>> try_to_open(const Context& ctx) {
    auto is_there = access_->is_there(ctx);
    if (!is_there) return fail(std::move(is_there).error());
    if (!*is_there || !is_mounted()) return missing();
    Result<std::shared_ptr<Store>> store = fail(ErrorCode::kInternal, "out of memory");
    try {
      store = open_(config_, *access_);
    } catch (const std::bad_alloc&) {  // others wait for the outcome
    }
    // Taken away meanwhile, it would be what lies below its mount point.
    bool is_gone = store ? !is_mounted() : store.error().code == ErrorCode::kNotFound;
    return is_gone ? missing() : store;
  }

  // While a dead mount is replaced its bare mount point answers, and is not the store.
  bool is_mounted() const { return posix::mount_point_of(config_.path) == mount_point_; }

  Result<std::shared_ptr<Store>> missing() const {
    return fail(ErrorCode::kUnavailable,
                fmt::format("the folder {} is missing: is its disk mounted?", quote(config_.path)));
  }

  std::unexpected<Error> closed() const {
    return fail(ErrorCode::kClosed, fmt::format("store {}: the store is closed", name()));
  }

  std::string name() const { return quote(redacted(shown_.name)); }

  std::unexpected<Error> failed(Error error) const {
    error.message = fmt::format("store {}, not open yet: {}", name(), error.message);
    return fail(std::move(error));
  }

  template <class Call>
  auto with_store(const Context& ctx, Call call) -> decltype(call(std::declval<Store&>())) {
    auto store = opened(ctx);
    if (!store) return fail(std::move(store).error());
    return call(**store);
  }

  const StoreConfig config_;
  StoreConfig shown_;  // with a name, as callers see it
  const std::string mount_point_;
  const std::shared_ptr<posix::BoundedAccess> access_;
  const OpenFolder open_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<Store> store_;  // set once
  bool opening_ = false;
  bool closed_ = false;
};

// The queue of a store that is not open yet: of its kind from the first submit on that finds it open.
class LateQueue final : public ReadQueue {
 public:
  explicit LateQueue(std::shared_ptr<UnreadStore> owner) : owner_(std::move(owner)) {}

  Result<void> submit(std::span<RangeRead> entries) override {
    if (auto queue = inner()) return queue->submit(entries);
    auto store = owner_->opened_quickly(Context());
    if (!store) return fail(std::move(store).error());
    {
      std::lock_guard lock(mutex_);
      if (queue_ == nullptr) queue_ = (*store)->read_queue();
    }
    return inner()->submit(entries);
  }
  Result<std::size_t> wait(const Context& ctx, std::span<RangeRead*> done) override {
    auto queue = inner();
    return queue != nullptr ? queue->wait(ctx, done) : 0;
  }
  void cancel() override {
    if (auto queue = inner()) queue->cancel();
  }

 private:
  std::shared_ptr<ReadQueue> inner() {
    std::lock_guard lock(mutex_);
    return queue_;
  }

  const std::shared_ptr<UnreadStore> owner_;
  std::mutex mutex_;
  std::shared_ptr<ReadQueue> queue_;  // set once
};

std::unique_ptr<ReadQueue> UnreadStore::read_queue() {
  if (auto store = opened()) return store->read_queue();
  return std::make_unique<LateQueue>(shared_from_this());
}

}  // namespace

std::shared_ptr<Store> make_unread_store(StoreConfig config, std::shared_ptr<posix::BoundedAccess> access,
                                         OpenFolder open) {
  return std::make_shared<UnreadStore>(std::move(config), std::move(access), std::move(open));
}

}  // namespace scabbard
