#include "scabbard/store.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/registry.hpp"
#include "store/store_file.hpp"
#include "store/unread_store.hpp"
#include "store/url.hpp"

namespace scabbard {
namespace {

// What the folder's own sectorstore.json adds to a configuration; what is configured wins. True where there is
// one that adds options.
Result<bool> add_store_file(StoreConfig& config, posix::BoundedAccess& folder) {
  auto file = read_store_file({}, folder);
  if (!file) return fail(std::move(file).error());
  if (!*file || !(*file)->is_ours()) return false;
  auto meta = with_canonical_names((*file)->meta);
  if (!meta) return fail(in_store_file(std::move(meta).error(), config.path));
  if (config.name.empty()) config.name = (*file)->name;
  config.meta.insert(meta->begin(), meta->end());
  config.read_only = config.read_only || (*file)->read_only;
  return !meta->empty();
}

Error about_store(Error error, std::string_view name) {
  error.message = fmt::format("open store {}: {}", quote(redacted(name)), error.message);
  return error;
}

std::map<std::string, std::string> options_of_drop_in(const StoreConfig& config) {
  return valid_options("file", config.meta, [&](const Error& why) {
    log::warn("store {}: {}; ignored", quote(redacted(config.name.empty() ? config.path : config.name)), why.message);
  });
}

// Both plugins on one folder keep their objects in different places where its sectorstore.json sends them away.
void warn_of_other_place(const StoreConfig& config, posix::BoundedAccess& folder) {
  auto file = read_store_file({}, folder);
  if (!file || !*file || !(*file)->is_ours()) return;
  auto meta = with_canonical_names((*file)->meta);
  if (meta && !meta->contains("Url")) return;
  log::warn("store {}: {} says that its objects are elsewhere, which only plugin-scabbard heeds: here they are in {}",
            quote(redacted(config.name.empty() ? config.path : config.name)), quote(config.path + "/sectorstore.json"),
            quote(config.path));
}

// With an absolute path and the options under their own names.
Result<StoreConfig> normalized(StoreConfig config) {
  if (config.path.empty()) return fail(ErrorCode::kInvalidArgument, "Path is missing");
  if (config.drop_in || !is_url(config.path)) {
    std::error_code failed;
    config.path = std::filesystem::absolute(config.path, failed).lexically_normal();
    if (failed)
      return fail(ErrorCode::kInvalidArgument, fmt::format("Path {}: {}", quote(config.path), failed.message()));
  }
  config.path = without_trailing_slashes(std::move(config.path));
  if (config.drop_in) {
    config.meta = options_of_drop_in(config);
    return config;
  }
  auto meta = with_canonical_names(config.meta);
  if (!meta) return fail(std::move(meta).error());
  config.meta = *std::move(meta);
  return config;
}

// Without a URL the objects lie in the store's own folder.
Result<const Backend*> backend_at(const std::string& url) { return backend_for(url.empty() ? "file://" : url); }

// Opens what a complete configuration says, at its Url or in its folder.
Result<std::shared_ptr<Store>> open_backend(StoreConfig config, const std::string& url) {
  auto backend = backend_at(url);
  if (!backend) return fail(std::move(backend).error());
  auto options = Options::parse((*backend)->scheme, config.meta);
  if (!options) return fail(std::move(options).error());
  if (config.name.empty()) config.name = config.path;
  auto store = (*backend)->open(std::move(config), url, *options);
  if (store) {
    log::info("opened {} store {} at {}{}", (*store)->scheme(), quote((*store)->config().name),
              quote((*store)->config().path), (*store)->config().read_only ? ", read-only" : "");
  }
  return store;
}

std::string url_option(const StoreConfig& config) {
  auto given = config.meta.find("Url");
  return given == config.meta.end() ? std::string() : given->second;
}

bool has_valid_options(const StoreConfig& config) {
  auto backend = backend_at(url_option(config));
  return backend && Options::parse((*backend)->scheme, config.meta);
}

Result<std::shared_ptr<Store>> open_folder(StoreConfig config, posix::BoundedAccess& folder) {
  if (config.drop_in) {
    warn_of_other_place(config, folder);
    return open_backend(std::move(config), {});
  }
  const StoreConfig configured = config;
  auto added = add_store_file(config, folder);
  if (!added) return fail(std::move(added).error());
  auto store = open_backend(config, url_option(config));
  // An option is looked for where it stands.
  bool is_the_files = !store && *added && !has_valid_options(config) && has_valid_options(configured);
  return is_the_files ? fail(in_store_file(std::move(store).error(), config.path)) : std::move(store);
}

Result<std::shared_ptr<Store>> open_normalized(StoreConfig config) {
  if (is_url(config.path) && !config.drop_in) {
    if (config.meta.contains("Url")) return fail(ErrorCode::kInvalidArgument, "option Url: Path is a URL already");
    return open_backend(config, config.path);
  }
  auto folder = std::make_shared<posix::BoundedAccess>(config.path);
  auto store = open_folder(config, *folder);
  if (store || store.error().code != ErrorCode::kUnavailable) return store;
  log::warn("{}; store {} is opened as soon as it answers", store.error().message,
            quote(config.name.empty() ? config.path : config.name));
  return make_unread_store(std::move(config), std::move(folder), open_folder);
}

}  // namespace

Result<std::shared_ptr<Store>> open_store(const StoreConfig& config) {
  auto normal = normalized(config);
  auto store = normal ? open_normalized(*std::move(normal)) : fail(std::move(normal).error());
  if (store) return store;
  return fail(about_store(std::move(store).error(), config.name.empty() ? config.path : config.name));
}

Result<void> Writer::write(const Context& ctx, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    auto buffer = acquire(ctx);
    if (!buffer) return fail(std::move(buffer).error());
    std::size_t length = std::min(buffer->size(), bytes.size());
    std::memcpy(buffer->data(), bytes.data(), length);
    if (auto taken = commit(ctx, length); !taken) return taken;
    bytes = bytes.subspan(length);
  }
  return {};
}

Result<WriteInfo> Store::copy_from(const Context& ctx, std::string_view object, Store& source,
                                   std::string_view source_object, const CreateOptions& options) {
  ObjectCopy copy{.source = std::string(source_object), .object = std::string(object), .options = options};
  copy_many_from(ctx, source, std::span(&copy, 1));
  return std::move(copy.result);
}

void Store::remove_many(const Context& ctx, std::span<ObjectRemoval> removals) {
  for (ObjectRemoval& removal : removals) removal.result = remove(ctx, removal.object);
}

Result<SweepResult> Store::sweep_folder(const Context& /*ctx*/, std::string_view /*folder*/) { return SweepResult{}; }

Result<std::vector<UnfinishedWrite>> Store::unfinished_writes(const Context& /*ctx*/, std::string_view /*name*/) {
  return fail(ErrorCode::kUnsupported, fmt::format("{} stores do not tell of unfinished writes", scheme()));
}

Result<void> Store::give_up(const Context& /*ctx*/, const UnfinishedWrite& /*write*/) {
  return fail(ErrorCode::kUnsupported, fmt::format("{} stores do not tell of unfinished writes", scheme()));
}

StoreStats Store::stats() const { return {.store = config().name, .latency = {}}; }

Result<void> Store::read(const Context& ctx, std::span<RangeRead> entries) {
  auto queue = read_queue();
  auto going = ctx.check("read");
  if (going) going = queue->submit(entries);
  if (!going) {
    for (RangeRead& entry : entries) entry.got = fail(going.error());
    return going;
  }
  std::vector<RangeRead*> done(std::min<std::size_t>(entries.size(), 256));
  std::vector<bool> finished(entries.size());
  while (true) {
    auto count = queue->wait(ctx, done);
    if (!count) {
      queue->cancel();
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!finished[i]) entries[i].got = fail(count.error());
      }
      return fail(std::move(count).error());
    }
    if (*count == 0) return {};
    for (RangeRead* entry : std::span(done).first(*count))
      finished[static_cast<std::size_t>(entry - entries.data())] = true;
  }
}

}  // namespace scabbard
