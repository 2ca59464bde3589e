#include "store/posix/backend.hpp"

#include <fmt/core.h>

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
  return open_store(std::move(config), std::move(root), settings);
}

}  // namespace scabbard::posix
