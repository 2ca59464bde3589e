#include "extproc/transfer_place.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "base/options.hpp"
#include "base/text.hpp"
#include "sector/sector_files.hpp"
#include "store/local_links.hpp"
#include "store/object_name.hpp"
#include "store/store_file.hpp"
#include "store/url.hpp"

namespace scabbard::extproc {
namespace {

// A store that damocles was told no name of is called by its folder.
bool is_called(const StoreConfig& config, const std::string& name) {
  if (config.name == name) return true;
  std::error_code failed;
  return name.starts_with('/') && std::filesystem::equivalent(config.path, name, failed) && !failed;
}

// Where the objects of a store are by what the task says of it; nothing where that is its folder.
std::optional<std::string> url_by_task(const TransferTask& task, const std::string& store) {
  const auto known = task.stores.find(store);
  return known == task.stores.end() ? std::nullopt : url_elsewhere(known->second);
}

bool is_same_place(const std::string& a, const std::string& b) {
  const auto first = parse_url(without_trailing_slashes(a));
  const auto second = parse_url(without_trailing_slashes(b));
  if (!first || !second) return a == b;
  return first->scheme == second->scheme && first->authority == second->authority && first->path == second->path;
}

// The folder of a store by the path of something of a sector in it; nothing where it is none.
std::optional<std::string> store_folder_of(const std::filesystem::path& path) {
  for (auto sector = path; sector.has_relative_path(); sector = sector.parent_path()) {
    const auto root = sector.parent_path().parent_path();
    const std::string name = sector.lexically_relative(root).generic_string();
    if (sector::sector_object(name) || sector::sector_object(name + "/file")) return root.string();
  }
  return std::nullopt;
}

bool has_way_back(const std::filesystem::path& path) {
  return std::ranges::find(path, std::filesystem::path("..")) != path.end();
}

// Of one end.
class Finding {
 public:
  Finding(const Context& ctx, Locator& locator, const TransferTask& task, const TransferEnd& end, std::string_view side)
      : ctx_(ctx), locator_(locator), task_(task), end_(end), side_(side) {}

  Result<Place> run() const {
    if (end_.store && has_way_back(end_.path)) {
      return refused(fmt::format("{} path leads out of a folder by ..: {}", side_, quote(end_.path)));
    }
    if (!end_.path.starts_with('/')) return refused(fmt::format("{} path is relative: {}", side_, quote(end_.path)));
    if (!end_.store) return find_local();
    auto found = locator_.resolve(ctx_, end_.path);
    if (!found) return fail(std::move(found).error());
    if (auto fits = check_store(*end_.store, *found); !fits) return fail(std::move(fits).error());
    if (found->is_local) {
      if (auto mounted = check_mounted(*end_.store); !mounted) return fail(std::move(mounted).error());
      return find_local();
    }
    return Place{.store = std::move(found->store), .object = std::move(found->object), .path = end_.path};
  }

 private:
  // By the folder that it lies in: it may itself be replaced.
  Result<Place> find_local() const {
    const std::string& text = end_.path;
    // "link/.." is not where the link lies, and is refused.
    if (auto plain = has_way_back(text) ? locator_.resolve_local(ctx_, text) : Location(); !plain) {
      return fail(std::move(plain).error());
    }
    const std::filesystem::path path =
        without_trailing_slashes(std::filesystem::path(text).lexically_normal().string());
    if (!path.has_filename()) return refused(fmt::format("{} is the root of all files", quote(text)));
    auto found = locator_.resolve_local(ctx_, path.parent_path().string());
    if (!found) return fail(std::move(found).error());
    return Place{.store = std::move(found->store),
                 .object = joined(found->object, path.filename().string()),
                 .is_local = true,
                 .path = text};
  }

  // That the path lies in the store that it is said to lie in.
  Result<void> check_store(const std::string& name, const Location& found) const {
    if (!found.is_local && is_called(found.store->config(), name)) return check_url(name, found);
    if (!found.is_local) {
      return refused(fmt::format("{} lies in store {} and not in {}", quote(end_.path),
                                 quote(found.store->config().name), quote(name)));
    }
    const auto url = elsewhere_by_task(name);
    if (!url) return {};  // a plain folder, as the stock processor takes it
    return refused(
        fmt::format("{} does not lie in store {}, whose objects are at {}: put its sectorstore.json into the "
                    "folder that is attached (`scabbard init`), or name the folder in SCABBARD_CONFIG",
                    quote(end_.path), quote(name), *url));
  }

  // What the task says of a store whose objects are not in its folder: its Url, or an option that only such ones take.
  std::optional<std::string> elsewhere_by_task(const std::string& name) const {
    if (auto url = url_by_task(task_, name)) return url;
    const auto known = task_.stores.find(name);
    if (known == task_.stores.end()) return std::nullopt;
    for (const auto& option : known->second) {
      bool is_of_files = true;
      bool is_of_s3 = true;
      valid_options("file", {option}, [&](const Error&) { is_of_files = false; });
      valid_options("s3", {option}, [&](const Error&) { is_of_s3 = false; });
      if (is_of_s3 && !is_of_files) return fmt::format("a server ({})", option.first);
    }
    return std::nullopt;
  }

  // That manager and worker mean one place by the name.
  Result<void> check_url(const std::string& name, const Location& found) const {
    const auto theirs = url_by_task(task_, name);
    const auto& meta = found.store->config().meta;
    const auto ours = url_elsewhere(meta).value_or(found.store->location(""));
    if (!theirs || is_same_place(*theirs, ours)) return {};
    return refused(
        fmt::format("store {}: by the manager its objects are at {}, by this machine's configuration at {}: "
                    "make them alike",
                    quote(name), *theirs, ours));
  }

  // A store without a sectorstore.json is a plain folder. Where that is missing, its disk is not mounted.
  Result<void> check_mounted(const std::string& name) const {
    const auto folder = store_folder_of(std::filesystem::path(end_.path).lexically_normal());
    if (!folder) return {};
    auto nearest = locator_.resolve_local(ctx_, *folder);
    if (!nearest) return fail(std::move(nearest).error());
    if (nearest->object.empty()) return {};
    return fail({.code = ErrorCode::kUnavailable,
                 .message = fmt::format("store {}: its folder {} does not exist: is its disk mounted?", quote(name),
                                        quote(*folder)),
                 .retryable = true,
                 .request_id = {}});
  }

  const Context& ctx_;
  Locator& locator_;
  const TransferTask& task_;
  const TransferEnd& end_;
  const std::string_view side_;
};

}  // namespace

std::unexpected<Error> refused(std::string why) { return fail(ErrorCode::kInvalidPath, std::move(why)); }

std::string Place::identity() const {
  if (is_file_of_this_machine()) return location();
  const StoreConfig& config = store->config();
  const auto option = [&](const char* name) {
    const auto found = config.meta.find(name);
    return found == config.meta.end() ? std::string() : without_trailing_slashes(found->second);
  };
  const std::string url = option("Url");
  return fmt::format("{} {}", option("Endpoint"), joined(url.empty() ? config.path : url, object));
}

std::string Place::remark() const {
  if (is_file_of_this_machine()) return {};
  return fmt::format(" (object {} of store {})", quote(object), quote(store->config().name));
}

Result<Place> find_place(const Context& ctx, Locator& locator, const TransferTask& task, const TransferEnd& end,
                         std::string_view side) {
  return Finding(ctx, locator, task, end, side).run();
}

bool is_same(const Place& from, const Place& to, bool is_folder) {
  if (from.identity() == to.identity()) return true;
  if (!from.is_file_of_this_machine() || !to.is_file_of_this_machine()) return false;
  if (is_same_name(from.location(), to.location())) return true;
  // By a link that leads to the destination. If that is a link itself, a copy is wanted in its place.
  return is_folder && !is_link_somewhere(to.location()) && is_same_file(from.location(), to.location());
}

Result<void> check_apart(const Place& from, const Place& to) {
  if (!to.is_local && to.object.empty()) return refused(fmt::format("{} is a whole store", quote(to.path)));
  // Two stores may have one bucket.
  const bool by_name = lies_in(from.identity(), to.identity()) || lies_in(to.identity(), from.identity());
  const bool both_files = from.is_file_of_this_machine() && to.is_file_of_this_machine();
  if (!by_name && !(both_files && contain_each_other(from.location(), to.location()))) return {};
  return refused(
      fmt::format("{} cannot be copied into itself: {} lies in it, or it in that", quote(from.path), quote(to.path)));
}

}  // namespace scabbard::extproc
