#include "store/posix/backend.hpp"

#include <fmt/core.h>

#include <map>
#include <mutex>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/posix/posix_store.hpp"
#include "store/url.hpp"

namespace scabbard::posix {
namespace {

Settings::Guard guard_of(std::string_view choice) {
  if (choice == "always") return Settings::Guard::kAlways;
  if (choice == "never") return Settings::Guard::kNever;
  return Settings::Guard::kAuto;
}

// Says so when two stores that can be written lie on one filesystem: the manager counts its free space for each.
void note_filesystem(Store& store) {
  if (store.config().read_only) return;
  auto space = store.space({});
  if (!space) return;
  static auto* mutex = new std::mutex;
  static auto* seen = new std::map<std::string, StoreConfig>;  // by filesystem: its first store
  std::lock_guard lock(*mutex);
  auto [first, added] = seen->emplace(space->filesystem, store.config());
  if (added || first->second.path == store.config().path) return;
  log::warn("stores {} and {} lie on one filesystem: damocles counts its free space for each of them",
            quote(first->second.name), quote(store.config().name));
}

}  // namespace

Result<std::shared_ptr<Store>> open_backend(StoreConfig config, std::string_view url, const Options& options) {
  std::string root = config.path;
  if (!url.empty()) {
    auto parsed = parse_url(url);
    if (!parsed) return fail(std::move(parsed).error());
    if (!parsed->is_local_file()) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: a file URL has three slashes and an absolute path (file:///data)", quote(redacted(url))));
    }
    root = parsed->path;
    // A store that is named by URL is its folder; one that lies elsewhere keeps its own.
    if (is_url(config.path)) config.path = root;
  }
  Settings settings{.timeout = options.duration("Timeout"), .guard = guard_of(options.text("Guard"))};
  auto store = open_store(std::move(config), std::move(root), settings);
  if (store) note_filesystem(**store);
  return store;
}

}  // namespace scabbard::posix
