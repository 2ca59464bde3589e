#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>

#include "base/text.hpp"
#include "scabbard/store.hpp"
#include "store/posix/bounded_access.hpp"
#include "store/posix/posix_store.hpp"
#include "store/store_file.hpp"
#include "store/url.hpp"

namespace scabbard {
namespace {

namespace fs = std::filesystem;

// The part of `path` below `folder`; empty for the folder itself.
std::string below(const fs::path& path, const fs::path& folder) {
  auto rest = path.lexically_relative(folder).string();
  return rest == "." ? std::string() : rest;
}

// Likewise of URLs; nothing where `url` lies elsewhere.
std::optional<std::string> below(const Url& url, const Url& base) {
  if (url.scheme != base.scheme || url.authority != base.authority) return std::nullopt;
  std::string folder = base.path.ends_with('/') ? base.path : base.path + '/';
  if (url.path == base.path) return std::string();
  if (!url.path.starts_with(folder)) return std::nullopt;
  return without_trailing_slashes(url.path.substr(folder.size()));
}

class DiskLocator final : public Locator {
 public:
  explicit DiskLocator(std::vector<ConfiguredStore> configured) : configured_(std::move(configured)) {}

  Result<Location> resolve(const Context& ctx, std::string_view location) override {
    if (location.empty()) return fail(ErrorCode::kInvalidPath, "a location is empty");
    if (location.contains('\0'))
      return fail(ErrorCode::kInvalidPath, fmt::format("location {} contains a NUL byte", quote(location)));
    return is_url(location) ? resolve_url(ctx, location) : resolve_path(ctx, std::string(location));
  }

  Result<Location> resolve_local(const Context& ctx, std::string_view path) override {
    if (path.empty() || path.contains('\0')) return fail(ErrorCode::kInvalidPath, "a path is empty or has a NUL byte");
    auto plain = normal(ctx, std::string(path));
    if (!plain) return fail(std::move(plain).error());
    return local(ctx, *plain);
  }

  Result<std::shared_ptr<Store>> named(std::string_view name) override {
    for (const ConfiguredStore& one : configured_) {
      if (one.config.name == name) return open_once(one.config);
    }
    std::lock_guard lock(mutex_);
    for (const auto& [path, store] : open_) {
      if (store->config().name == name) return store;
    }
    return fail(ErrorCode::kNotFound, fmt::format("no store is called {}", quote(name)));
  }

 private:
  // The configured store whose URL is the longest one that the location lies below.
  Result<Location> resolve_url(const Context& ctx, std::string_view location) {
    auto url = parse_url(location);
    if (!url) return fail(std::move(url).error());
    const StoreConfig* best = nullptr;
    std::string object;
    for (const ConfiguredStore& one : configured_) {
      const StoreConfig& config = one.config;
      auto base = parse_url(config.path);
      auto rest = base ? below(*url, *base) : std::nullopt;
      if (!rest || (best != nullptr && config.path.size() <= best->path.size())) continue;
      best = &config;
      object = *std::move(rest);
    }
    if (best != nullptr) {
      auto store = open_once(*best);
      if (!store) return fail(std::move(store).error());
      return Location{.store = *std::move(store), .object = std::move(object)};
    }
    if (url->is_local_file()) return resolve_path(ctx, url->path);
    return fail(ErrorCode::kNotFound,
                fmt::format("no store is configured for {}; name it in the file that --config or SCABBARD_CONFIG "
                            "gives, as [[store]] with its Path",
                            quote(redacted(location))));
  }

  // Absolute, without "..".
  static Result<fs::path> normal(const Context& ctx, const std::string& text) {
    std::error_code failed;
    fs::path given = fs::absolute(text, failed);
    if (failed) return fail(ErrorCode::kInvalidPath, fmt::format("location {}: {}", quote(text), failed.message()));
    if (auto plain = check_ways_back(ctx, given); !plain) return fail(std::move(plain).error());
    fs::path path = given.lexically_normal();
    return path.has_filename() ? path : path.parent_path();  // "folder/" is the folder
  }

  Result<Location> resolve_path(const Context& ctx, const std::string& text) {
    auto normal_path = normal(ctx, text);
    if (!normal_path) return fail(std::move(normal_path).error());
    const fs::path& path = *normal_path;
    if (auto configured = in_configured_folder(path); !configured || configured->store) return configured;
    for (fs::path folder = path;; folder = folder.parent_path()) {
      auto file = store_file(ctx, folder);
      if (!file) return fail(std::move(file).error());
      if (*file) {
        if (!(*file)->is_ours()) return in_foreign_store(folder, **file, path);
        auto store = open_once((*file)->as_config(folder.string()));
        if (!store) return fail(std::move(store).error());
        return Location{.store = *std::move(store), .object = below(path, folder)};
      }
      if (folder == folder.root_path()) break;
    }
    return local(ctx, path);
  }

  // The store whose Folder it lies in. Empty where there is none.
  Result<Location> in_configured_folder(const fs::path& path) {
    for (const ConfiguredStore& one : configured_) {
      if (one.folder.empty()) continue;
      const std::string object = below(path, one.folder);
      if (object == ".." || object.starts_with("../")) continue;
      auto store = open_once(one.config);
      if (!store) return fail(std::move(store).error());
      return Location{.store = *std::move(store), .object = object};
    }
    return Location{};
  }

  // "link/.." is not where the link lies, and what is meant is not to be guessed.
  static Result<void> check_ways_back(const Context& ctx, const fs::path& path) {
    fs::path before;
    for (const fs::path& part : path) {
      if (part == "..") {
        auto is_link = posix::BoundedAccess(before.lexically_normal().string()).is_link(ctx);
        if (!is_link) return fail(std::move(is_link).error());
        if (*is_link) {
          return fail(ErrorCode::kInvalidPath,
                      fmt::format("location {}: {} is a link, from which .. leads elsewhere than "
                                  "it seems; name the place itself",
                                  quote(path.string()), quote(before.string())));
        }
      }
      before /= part;
    }
    return {};
  }

  // A store that another plugin serves is a folder like others, which may be read-only.
  Result<Location> in_foreign_store(const fs::path& folder, const StoreFile& file, const fs::path& path) {
    if (const auto url = url_elsewhere(file.meta)) {
      return fail(
          in_store_file({.code = ErrorCode::kInvalidArgument,
                         .message = fmt::format("its objects are at {}, and its PluginName is {}, which is none of "
                                                "ours: make that \"scabbard\", or take Url out of Meta",
                                                quote(*url), quote(file.plugin_name)),
                         .request_id = {}},
                        folder.string()));
    }
    auto store = folder_store(folder, file.read_only);
    if (!store) return fail(std::move(store).error());
    return Location{.store = *std::move(store), .object = below(path, folder), .is_local = true};
  }

  // A file that is in no store: a file store of the folder it lies in, or of the nearest that exists.
  Result<Location> local(const Context& ctx, const fs::path& path) {
    fs::path folder = path;
    while (folder != folder.root_path()) {
      auto found = posix::BoundedAccess(folder.string()).is_there(ctx);
      if (!found) return fail(std::move(found).error());
      if (*found) break;
      folder = folder.parent_path();
    }
    auto store = folder_store(folder, false);
    if (!store) return fail(std::move(store).error());
    return Location{.store = *std::move(store), .object = below(path, folder), .is_local = true};
  }

  // A file store that is none to damocles. Nobody keeps it longer than it is used: a worker's files lie in a folder for
  // each sector.
  Result<std::shared_ptr<Store>> folder_store(const fs::path& folder, bool read_only) {
    if (auto known = known_folder(folder.string())) return known;
    StoreConfig config{.name = folder.string(), .path = folder.string(), .meta = {}, .read_only = read_only};
    auto opened = posix::open_store(config, folder.string(), {});
    if (!opened) return opened;
    std::lock_guard lock(mutex_);
    std::erase_if(folders_, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<Store>& known = folders_[folder.string()];
    if (auto other = known.lock()) return other;  // another thread was quicker
    known = *opened;
    return opened;
  }

  std::shared_ptr<Store> known_folder(const std::string& folder) {
    std::lock_guard lock(mutex_);
    const auto known = folders_.find(folder);
    return known == folders_.end() ? nullptr : known->second.lock();
  }

  // Each is read once. That there is none is not remembered: its disk may be mounted yet.
  Result<std::optional<StoreFile>> store_file(const Context& ctx, const fs::path& folder) {
    {
      std::lock_guard lock(mutex_);
      if (auto known = store_files_.find(folder.string()); known != store_files_.end()) return known->second;
    }
    posix::BoundedAccess access(folder.string());
    auto file = read_store_file(ctx, access);
    if (!file || !*file) return file;
    std::lock_guard lock(mutex_);
    return store_files_.emplace(folder.string(), **std::move(file)).first->second;
  }

  Result<std::shared_ptr<Store>> open_once(const StoreConfig& config) {
    {
      std::lock_guard lock(mutex_);
      if (auto known = open_.find(config.path); known != open_.end()) return known->second;
    }
    auto store = open_store(config);
    if (!store) return store;
    std::lock_guard lock(mutex_);
    return open_.emplace(config.path, *std::move(store)).first->second;
  }

  const std::vector<ConfiguredStore> configured_;
  std::mutex mutex_;                                     // of all below, and not while a disk is asked
  std::map<std::string, StoreFile> store_files_;         // by folder
  std::map<std::string, std::shared_ptr<Store>> open_;   // by path or URL
  std::map<std::string, std::weak_ptr<Store>> folders_;  // those that are in no store, by path
};

}  // namespace

Result<std::unique_ptr<Locator>> Locator::create(std::string_view config_file) {
  std::string path(config_file);
  if (path.empty()) {
    if (const char* configured = std::getenv("SCABBARD_CONFIG")) path = configured;
  }
  std::vector<ConfiguredStore> stores;
  if (!path.empty()) {
    auto read = read_config_file(path);
    if (!read) return fail(std::move(read).error());
    stores = *std::move(read);
  }
  for (auto& [store, folder] : stores) {
    store.path = without_trailing_slashes(std::move(store.path));
    if (store.name.empty()) store.name = store.path;
  }
  return std::make_unique<DiskLocator>(std::move(stores));
}

}  // namespace scabbard
