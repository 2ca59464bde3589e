#include "store/unread_store.hpp"

#include <fmt/core.h>

#include <mutex>
#include <utility>

#include "base/text.hpp"

namespace scabbard {
namespace {

// The queue of a store that is not open yet: takes nothing.
class ClosedQueue final : public ReadQueue {
 public:
  explicit ClosedQueue(Error why) : why_(std::move(why)) {}
  Result<void> submit(std::span<RangeRead> entries) override {
    if (entries.empty()) return {};
    return fail(why_);
  }
  Result<std::size_t> wait(const Context&, std::span<RangeRead*>) override { return 0; }
  void cancel() override {}

 private:
  const Error why_;
};

class UnreadStore final : public Store {
 public:
  UnreadStore(StoreConfig config, std::shared_ptr<posix::BoundedAccess> access, OpenFolder open)
      : config_(std::move(config)), access_(std::move(access)), open_(std::move(open)) {}

  const StoreConfig& config() const override {
    auto store = opened();
    return store != nullptr ? store->config() : config_;
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
  Result<WriteInfo> copy_from(const Context& ctx, std::string_view object, Store& source,
                              std::string_view source_object, const CreateOptions& options) override {
    return with_store(ctx, [&](Store& store) { return store.copy_from(ctx, object, source, source_object, options); });
  }
  Result<void> remove(const Context& ctx, std::string_view object) override {
    return with_store(ctx, [&](Store& store) { return store.remove(ctx, object); });
  }
  Result<std::unique_ptr<Lister>> list(const Context& ctx, const ListOptions& options) override {
    return with_store(ctx, [&](Store& store) { return store.list(ctx, options); });
  }
  Result<Space> space(const Context& ctx) override {
    auto space = with_store(ctx, [&](Store& store) { return store.space(ctx); });
    // The host has noted what was known when it opened the store.
    if (space) space->read_only = space->read_only || config().read_only;
    return space;
  }
  Result<SweepResult> sweep(const Context& ctx) override {
    return with_store(ctx, [&](Store& store) { return store.sweep(ctx); });
  }
  std::unique_ptr<ReadQueue> read_queue() override {
    auto store = opened(Context());
    if (store) return (*store)->read_queue();
    return std::make_unique<ClosedQueue>(std::move(store).error());
  }

  void close() override {
    std::shared_ptr<Store> store;
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      store = store_;
    }
    if (store != nullptr) store->close();
  }

 private:
  std::shared_ptr<Store> opened() const {
    std::lock_guard lock(mutex_);
    return store_;
  }

  // The store itself, opened now if its folder answers by now.
  Result<std::shared_ptr<Store>> opened(const Context& ctx) {
    if (auto store = opened()) return store;
    auto is_there = access_->is_there(ctx);
    if (!is_there) return failed(std::move(is_there).error());
    // Callers that come meanwhile wait for the first one: the folder has just answered.
    std::lock_guard lock(mutex_);
    if (store_ != nullptr) return store_;
    if (closed_) return fail(ErrorCode::kClosed, fmt::format("store {}: the store is closed", name()));
    auto store = open_(config_, *access_);
    if (!store) return failed(std::move(store).error());
    store_ = *std::move(store);
    return store_;
  }

  std::string name() const { return quote(redacted(config_.name.empty() ? config_.path : config_.name)); }

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
  const std::shared_ptr<posix::BoundedAccess> access_;
  const OpenFolder open_;
  mutable std::mutex mutex_;
  std::shared_ptr<Store> store_;  // set once
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<Store> make_unread_store(StoreConfig config, std::shared_ptr<posix::BoundedAccess> access,
                                         OpenFolder open) {
  return std::make_shared<UnreadStore>(std::move(config), std::move(access), std::move(open));
}

}  // namespace scabbard
