#include "scabbard/store.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/registry.hpp"
#include "store/store_file.hpp"
#include "store/url.hpp"

namespace scabbard {
namespace {

// What the folder's own sectorstore.json adds to a configuration; what is configured wins. True where there is
// one that adds options.
Result<bool> add_store_file(StoreConfig& config) {
  auto file = read_store_file(config.path);
  if (!file && file.error().code == ErrorCode::kUnavailable) {
    // One dead mount must not keep a manager of twenty stores from starting. What the file would say is not
    // known; that nothing may be written is the worst that it could.
    log::warn("{}; taken as a plain folder, and read-only until it is opened again", file.error().message);
    config.read_only = true;
    return false;
  }
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

Result<std::shared_ptr<Store>> open_configured(StoreConfig config) {
  auto canonical = with_canonical_names(config.meta);
  if (!canonical) return fail(std::move(canonical).error());
  config.meta = *canonical;
  std::string url;
  bool from_file = false;
  if (is_url(config.path)) {
    url = config.path = without_trailing_slashes(std::move(config.path));
    if (config.meta.contains("Url")) return fail(ErrorCode::kInvalidArgument, "option Url: Path is a URL already");
  } else {
    if (config.path.empty()) return fail(ErrorCode::kInvalidArgument, "Path is missing");
    std::error_code failed;
    config.path = std::filesystem::absolute(config.path, failed).lexically_normal();
    if (failed)
      return fail(ErrorCode::kInvalidArgument, fmt::format("Path {}: {}", quote(config.path), failed.message()));
    config.path = without_trailing_slashes(std::move(config.path));
    auto added = add_store_file(config);
    if (!added) return fail(std::move(added).error());
    from_file = *added;
    if (auto given = config.meta.find("Url"); given != config.meta.end()) url = given->second;
  }
  auto backend = backend_for(url.empty() ? "file://" : url);
  if (!backend) {
    bool is_the_files = url != config.path && !canonical->contains("Url");
    return fail(is_the_files ? in_store_file(std::move(backend).error(), config.path) : std::move(backend).error());
  }
  auto options = Options::parse((*backend)->scheme, config.meta);
  if (!options) {
    bool is_the_files = from_file && Options::parse((*backend)->scheme, *canonical);
    return fail(is_the_files ? in_store_file(std::move(options).error(), config.path) : std::move(options).error());
  }
  if (config.name.empty()) config.name = config.path;
  return (*backend)->open(std::move(config), url, *options);
}

}  // namespace

Result<std::shared_ptr<Store>> open_store(const StoreConfig& config) {
  auto store = open_configured(config);
  if (store) {
    log::info("opened {} store {} at {}{}", (*store)->scheme(), quote((*store)->config().name),
              quote((*store)->config().path), (*store)->config().read_only ? ", read-only" : "");
    return store;
  }
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
