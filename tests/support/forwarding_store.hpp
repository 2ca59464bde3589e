// What a test's own store derives from, to change one thing about another.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "scabbard/store.hpp"

namespace scabbard {

class ForwardingStore : public Store {
 public:
  explicit ForwardingStore(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  const StoreConfig& config() const override { return store_->config(); }
  std::string_view scheme() const override { return store_->scheme(); }
  Capabilities capabilities() const override { return store_->capabilities(); }
  std::string location(std::string_view object) const override { return store_->location(object); }
  Result<ObjectInfo> stat(const Context& ctx, std::string_view object) override { return store_->stat(ctx, object); }
  Result<std::unique_ptr<Reader>> open(const Context& ctx, std::string_view object) override {
    return store_->open(ctx, object);
  }
  Result<std::unique_ptr<Writer>> create(const Context& ctx, std::string_view object,
                                         const CreateOptions& options) override {
    return store_->create(ctx, object, options);
  }
  Result<WriteInfo> put_file(const Context& ctx, std::string_view object, const FileSource& source,
                             const CreateOptions& options) override {
    return store_->put_file(ctx, object, source, options);
  }
  void copy_many_from(const Context& ctx, Store& source, std::span<ObjectCopy> copies) override {
    store_->copy_many_from(ctx, source, copies);
  }
  Result<void> remove(const Context& ctx, std::string_view object) override { return store_->remove(ctx, object); }
  Result<void> remove_folder(const Context& ctx, std::string_view folder) override {
    return store_->remove_folder(ctx, folder);
  }
  Result<std::unique_ptr<Lister>> list(const Context& ctx, const ListOptions& options) override {
    return store_->list(ctx, options);
  }
  Result<Space> space(const Context& ctx) override { return store_->space(ctx); }
  Result<SweepResult> sweep(const Context& ctx) override { return store_->sweep(ctx); }
  std::unique_ptr<ReadQueue> read_queue() override { return store_->read_queue(); }
  void close() override { store_->close(); }

 private:
  const std::shared_ptr<Store> store_;
};

}  // namespace scabbard
