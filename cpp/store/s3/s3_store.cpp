#include "store/s3/s3_store.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "store/listing.hpp"
#include "store/s3/bucket.hpp"
#include "store/s3/object_copy.hpp"
#include "store/s3/object_lister.hpp"
#include "store/s3/object_put.hpp"
#include "store/s3/object_read.hpp"
#include "store/s3/object_reader.hpp"
#include "store/s3/object_removal.hpp"
#include "store/s3/object_writer.hpp"
#include "store/s3/s3_read_queue.hpp"
#include "store/s3/usage.hpp"
#include "store/stand_in.hpp"

namespace scabbard::s3 {
namespace {

// What a store without Capacity says it holds: it is never full.
constexpr std::uint64_t kNoCapacity = std::uint64_t{1} << 60;

Result<std::uint64_t> bytes_in(const Context& ctx, const std::shared_ptr<Bucket>& bucket) {
  auto lister = list_objects(ctx, bucket, {});
  if (!lister) return fail(std::move(lister).error());
  std::uint64_t used = 0;
  auto counted = for_each_entry(ctx, **lister, [&](const ListEntry& entry) {
    used += entry.info.size;
    return Result<void>();
  });
  return counted ? Result<std::uint64_t>(used) : fail(std::move(counted).error());
}

// Gives up the uploads of dead writers of this machine, of the object and the folder of that name (empty: all): all
// that can be, then the first failure.
Result<SweepResult> sweep_uploads(const Operation& op, std::string_view name) {
  Bucket& bucket = op.bucket();
  SweepResult swept;
  Result<void> result;
  const std::string key = bucket.key_of(name);
  for (auto& entry : bucket.journal().dead(key)) {
    const JournalRecord& record = entry->record();
    const bool is_of_name = name.empty() || record.key.size() == key.size() || record.key[key.size()] == '/';
    if (!is_of_name) continue;
    AbortUpload request(bucket, record.key, record.upload_id);
    if (auto done = op.run(request); !done) {
      if (result) result = std::move(done);
      continue;
    }
    ++swept.files;
    for (const auto& [number, part] : record.parts) swept.bytes += part.size;
    entry->remove();
  }
  if (!result) return fail(std::move(result).error());
  return swept;
}

class S3Store final : public Store {
 public:
  S3Store(StoreConfig config, Settings settings)
      : bucket_(std::make_shared<Bucket>(std::move(config), std::move(settings))),
        usage_([bucket = bucket_](const Context& ctx) { return bytes_in(ctx, bucket); }, bucket_->clock(),
               bucket_->settings().usage_refresh) {}
  // Readers and writers may outlive it.
  ~S3Store() override = default;

  const StoreConfig& config() const override { return bucket_->config(); }
  std::string_view scheme() const override { return "s3"; }
  Capabilities capabilities() const override {
    return {.exclusive_create = true,
            .object_beside_folder = true,
            .local_files = false,
            .immediate = false,
            .max_component = bucket_->max_name(),
            .max_name = bucket_->max_name()};
  }
  std::string location(std::string_view object) const override {
    return object.empty() ? config().path : config().path + "/" + std::string(object);
  }

  Result<ObjectInfo> stat(const Context& ctx, std::string_view object) override {
    return look(Operation(*bucket_, ctx, "stat", object), object);
  }

  Result<std::unique_ptr<Reader>> open(const Context& ctx, std::string_view object) override {
    return open_object(ctx, bucket_, object);
  }

  Result<std::unique_ptr<Writer>> create(const Context& ctx, std::string_view object,
                                         const CreateOptions& options) override {
    return create_object(ctx, bucket_, object, options);
  }

  Result<WriteInfo> put_file(const Context& ctx, std::string_view object, const FileSource& source,
                             const CreateOptions& options) override {
    return s3::put_file(ctx, bucket_, object, source, options);
  }

  void copy_many_from(const Context& ctx, Store& source, std::span<ObjectCopy> copies) override {
    auto* other = dynamic_cast<S3Store*>(&underlying(source));
    const bool by_server = other != nullptr && is_same_server(*bucket_, *other->bucket_);
    for (ObjectCopy& copy : copies) {
      if (by_server) {
        copy.result = copy_object_on_server(ctx, *bucket_, *other->bucket_, copy);
      } else {
        Operation op(*bucket_, ctx, "put", copy.object);
        copy.result =
            op.failed(ErrorCode::kUnsupported, fmt::format("cannot copy from {} stores by itself", source.scheme()));
      }
    }
  }

  Result<void> remove(const Context& ctx, std::string_view object) override {
    Operation op(*bucket_, ctx, "remove", object);
    if (auto going = op.check_writable(); !going) return going;
    auto there = look(op, object);  // a removal says nothing of what was not there
    if (!there) return fail(std::move(there).error());
    DeleteObject request(*bucket_, bucket_->key_of(object));
    return op.run(request);
  }

  void remove_many(const Context& ctx, std::span<ObjectRemoval> removals) override {
    Operation op(*bucket_, ctx, "remove objects of", {});
    if (auto going = op.check_writable(); !going) {
      for (ObjectRemoval& removal : removals) removal.result = going;
      return;
    }
    remove_objects(op, removals);
  }

  // There are no folders, but what dead writers left below one.
  Result<void> remove_folder(const Context& ctx, std::string_view folder) override {
    Operation op(*bucket_, ctx, "remove", folder);
    if (auto going = op.check_writable(); !going) return going;
    if (folder.empty()) return {};
    if (auto valid = op.check_name(); !valid) return valid;
    auto swept = sweep_uploads(op, folder);
    return swept ? Result<void>() : fail(std::move(swept).error());
  }

  Result<std::unique_ptr<Lister>> list(const Context& ctx, const ListOptions& options) override {
    return list_objects(ctx, bucket_, options);
  }

  Result<Space> space(const Context& ctx) override {
    Operation op(*bucket_, ctx, "space of", {});
    if (bucket_->closed()) return op.failed(ErrorCode::kClosed, "the store is closed");
    if (auto ended = ctx.ended()) return op.failed(*ended, to_string(*ended));
    const Settings& settings = bucket_->settings();
    Space space{
        .total = settings.capacity.value_or(kNoCapacity),
        .free = kNoCapacity,
        .used = 0,
        .read_only = config().read_only,
        .type = "s3",
        .filesystem = fmt::format("{}/{}/{}", settings.endpoints.front().origin, settings.bucket, settings.prefix)};
    if (!settings.capacity) return space;
    auto used = usage_.known(ctx);
    if (!used) return op.failed(ErrorCode::kUnavailable, "what is used of Capacity is being counted");
    space.used = *used;
    space.free = space.total - std::min(space.total, *used);
    return space;
  }

  Result<SweepResult> sweep(const Context& ctx) override {
    Operation op(*bucket_, ctx, "sweep", {});
    if (auto going = op.check_writable(); !going) return fail(std::move(going).error());
    return sweep_uploads(op, {});
  }

  Result<std::vector<UnfinishedWrite>> unfinished_writes(const Context& ctx, std::string_view name) override {
    return list_uploads(ctx, *bucket_, name);
  }

  Result<void> give_up(const Context& ctx, const UnfinishedWrite& write) override {
    Operation op(*bucket_, ctx, "give up the upload of", write.object);
    if (auto going = op.check_writable(); !going) return going;
    AbortUpload request(*bucket_, bucket_->key_of(write.object), write.id);
    return op.run(request);
  }

  StoreStats stats() const override { return bucket_->client().counters().now(config().name); }

  std::unique_ptr<ReadQueue> read_queue() override { return make_read_queue(bucket_); }

  void close() override {
    usage_.close();
    bucket_->close();
  }

 private:
  Result<ObjectInfo> look(const Operation& op, std::string_view object) {
    if (auto going = op.check(); !going) return fail(std::move(going).error());
    if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
    auto info = look_at(*bucket_, op.context(), bucket_->key_of(object));
    return info ? info : op.failed(std::move(info).error());
  }

  const std::shared_ptr<Bucket> bucket_;
  Usage usage_;
};

}  // namespace

std::shared_ptr<Store> open_store(StoreConfig config, Settings settings) {
  return std::make_shared<S3Store>(std::move(config), std::move(settings));
}

}  // namespace scabbard::s3
