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

std::string trimmed_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// The URL that Meta gives, under any spelling of the option's name, taken out of it.
std::string take_url(std::map<std::string, std::string>& meta) {
  auto is_url_option = [](const auto& option) {
    std::string key = option.first;
    std::ranges::transform(key, key.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return key == "url";
  };
  auto found = std::ranges::find_if(meta, is_url_option);
  if (found == meta.end()) return {};
  std::string url = found->second;
  meta.erase(found);
  return url;
}

// What the folder's own sectorstore.json adds to a configuration; what is configured wins.
Result<void> add_store_file(StoreConfig& config) {
  auto file = read_store_file(config.path);
  if (!file && file.error().code == ErrorCode::kUnavailable) {
    // One dead mount must not keep a manager of twenty stores from starting.
    log::warn("{}; taken as a plain folder", file.error().message);
    return {};
  }
  if (!file) return fail(std::move(file).error());
  if (!*file || !(*file)->is_ours()) return {};
  if (config.name.empty()) config.name = (*file)->name;
  config.meta.insert((*file)->meta.begin(), (*file)->meta.end());
  config.read_only = config.read_only || (*file)->read_only;
  return {};
}

Error about_store(Error error, std::string_view name) {
  error.message = fmt::format("open store {}: {}", quote(redacted(name)), error.message);
  return error;
}

Result<std::shared_ptr<Store>> open_configured(StoreConfig config) {
  std::string url;
  if (is_url(config.path)) {
    url = config.path = trimmed_slashes(std::move(config.path));
  } else {
    if (config.path.empty()) return fail(ErrorCode::kInvalidArgument, "Path is missing");
    std::error_code failed;
    config.path = std::filesystem::absolute(config.path, failed).lexically_normal();
    if (failed)
      return fail(ErrorCode::kInvalidArgument, fmt::format("Path {}: {}", quote(config.path), failed.message()));
    config.path = trimmed_slashes(std::move(config.path));
    if (auto added = add_store_file(config); !added) return fail(std::move(added).error());
  }
  std::string meta_url = take_url(config.meta);
  if (!url.empty() && !meta_url.empty()) {
    return fail(ErrorCode::kInvalidArgument, "option Url: Path is a URL already");
  }
  if (url.empty()) url = meta_url;
  auto backend = backend_for(url.empty() ? "file://" : url);
  if (!backend) return fail(std::move(backend).error());
  auto options = Options::parse((*backend)->scheme, config.meta);
  if (!options) return fail(std::move(options).error());
  if (config.name.empty()) config.name = config.path;
  return (*backend)->open(std::move(config), url, *options);
}

}  // namespace

Result<std::shared_ptr<Store>> open_store(const StoreConfig& config) {
  auto store = open_configured(config);
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

Result<void> Store::read(const Context& ctx, std::span<RangeRead> entries) {
  if (auto going = ctx.check("read"); !going) {
    for (RangeRead& entry : entries) entry.got = fail(going.error());
    return going;
  }
  auto queue = read_queue();
  if (auto submitted = queue->submit(entries); !submitted) return submitted;
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
