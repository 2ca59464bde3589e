#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "store/listing.hpp"
#include "store/object_name.hpp"
#include "store/store_file.hpp"
#include "store/url.hpp"

namespace scabbard::cli {
namespace {

struct RmOptions {
  std::vector<std::string> locations;
  bool recursive = false;
  bool dry_run = false;
  bool whole_store = false;
};

std::unexpected<Error> refused(const Place& place, std::string_view why) {
  return fail(ErrorCode::kNotRegularFile, fmt::format("{}: {}", quote(place.text), why));
}

// "." and ".." and what ends in them: seldom what was meant to go.
bool ends_in_dots(std::string_view location) {
  std::string path = without_trailing_slashes(std::string(location));
  std::string last = path.substr(path.rfind('/') + 1);
  return last == "." || last == "..";
}

class Rm {
 public:
  Rm(Session& session, const RmOptions& options) : session_(session), options_(options) {}

  void run() {
    for (const std::string& location : options_.locations) {
      auto place = session_.find(location);
      if (place && place->is_local && place->object.empty()) place = by_its_parent(*place);
      if (!place) continue;
      if (auto removed = remove(*place); !removed) session_.report(removed.error());
    }
  }

 private:
  // A folder that is no store of ours can go itself, as an entry of the one that it lies in.
  std::optional<Place> by_its_parent(const Place& place) {
    std::filesystem::path path = place.store->config().path;
    if (path == path.root_path()) return place;
    auto parent = session_.find(path.parent_path().string());
    if (!parent) return parent;
    parent->text = place.text;
    parent->object = joined(parent->object, path.filename().string());
    return parent;
  }

  Result<void> remove(const Place& place) {
    auto kind = session_.kind_of({}, place);
    if (!kind) return fail(std::move(kind).error());
    if (*kind == Kind::kFolder) return remove_folder(place);
    if (*kind == Kind::kObject && place.has_slash) return refused(place, "is an object and no folder");
    if (*kind == Kind::kNothing && options_.recursive) return remove_folder_by_objects(place);
    if (*kind == Kind::kNothing) return remove_missing(place);
    return remove_object(place, place.object);
  }

  Result<void> remove_object(const Place& place, const std::string& object) {
    if (!options_.dry_run) {
      if (auto removed = place.store->remove({}, object); !removed) return removed;
    }
    tell(place.location(object));
    return {};
  }

  // What does not exist is an error in a dry run as well; a link to nowhere does not either, but can be removed.
  Result<void> remove_missing(const Place& place) {
    std::error_code failed;
    bool is_link =
        place.store->capabilities().local_files && std::filesystem::is_symlink(place.location(place.object), failed);
    if (options_.dry_run && !is_link) {
      if (auto info = place.store->stat({}, place.object); !info) return fail(std::move(info).error());
    }
    return remove_object(place, place.object);
  }

  void tell(const std::string& location) {
    if (session_.json) {
      session_.out.json({{options_.dry_run ? "would_remove" : "removed", location}});
    } else if (options_.dry_run) {
      session_.out.line("would remove " + session_.out.shown(location));
    }
  }

  Result<void> remove_folder(const Place& place) {
    if (!options_.recursive) return refused(place, "is no object; --recursive removes a folder with all that is in it");
    if (place.is_local && place.object.empty()) return refused(place, "is the root of all files");
    if (place.object.empty() && !options_.whole_store) {
      return refused(place, "is a whole store; name the folders in it, or add --whole-store");
    }
    if (ends_in_dots(place.text)) return refused(place, "name the folder itself, or what in it is to go");
    auto objects = objects_below(place);
    if (!objects) return fail(std::move(objects).error());
    return remove_all(place, *objects);
  }

  // In a store that has folders by their objects only.
  Result<void> remove_folder_by_objects(const Place& place) {
    auto objects = objects_below(place);
    if (!objects) return fail(std::move(objects).error());
    if (objects->empty()) return remove_missing(place);
    return remove_all(place, *objects);
  }

  // Looked through as a whole before the first one goes.
  Result<std::vector<std::string>> objects_below(const Place& place) {
    const ListOptions options{.folder = place.object, .follow_links = false, .others = true, .names_only = true};
    std::vector<std::string> objects;
    auto listed = for_each_entry({}, *place.store, options, [&](ListEntry& entry) -> Result<void> {
      if (auto removable = check_removable(place, entry); !removable) return removable;
      objects.push_back(std::move(entry.name));
      return {};
    });
    if (!listed) return fail(std::move(listed).error());
    return objects;
  }

  Result<void> check_removable(const Place& place, const ListEntry& entry) const {
    if (entry.is_other && !is_link_to_nowhere(place, entry.name)) {
      return refused(place, fmt::format("{} in it is neither object nor folder; remove that first",
                                        quote(place.location(entry.name))));
    }
    if (entry.is_folder) {
      return refused(place, fmt::format("{} in it is a link to a folder elsewhere; unlink it, or remove what is "
                                        "in that folder first",
                                        quote(entry.name)));
    }
    if (is_inner_store_file(entry.name) && !options_.whole_store) {
      std::string store = std::filesystem::path(entry.name).parent_path().string();
      return refused(place, fmt::format("{} is a store; name what is to go in it, or add --whole-store",
                                        quote(place.location(store))));
    }
    return {};
  }

  static bool is_link_to_nowhere(const Place& place, const std::string& name) {
    auto info = place.store->stat({}, name);
    return !info && info.error().code == ErrorCode::kNotFound;
  }

  Result<void> remove_all(const Place& place, const std::vector<std::string>& objects) {
    for (const std::string& object : objects) {
      auto removed = remove_object(place, object);
      // Somebody was quicker.
      if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
      if (session_.out.failed()) return {};
    }
    if (options_.dry_run) return {};
    return place.store->remove_folder({}, place.object);
  }

  Session& session_;
  const RmOptions& options_;
};

}  // namespace

void add_rm(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("rm", "Remove objects");
  auto options = std::make_shared<RmOptions>();
  command->add_option("LOCATION", options->locations, "Objects, or with --recursive folders")->required();
  command->add_flag("-r,-R,--recursive", options->recursive, "Remove folders with all objects in them");
  command->add_flag("-n,--dry-run", options->dry_run, "Only show what would be removed");
  command->add_flag("--whole-store", options->whole_store, "Also where that is every object of a store");
  session.add_options(*command);
  command->callback([&session, options] { Rm(session, *options).run(); });
}

}  // namespace scabbard::cli
