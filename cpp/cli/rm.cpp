#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "base/options.hpp"
#include "base/quantities.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "store/listing.hpp"
#include "store/object_kind.hpp"
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
  bool uploads = false;
  std::string older_than;  // with `uploads`
};

// What is asked of a store at once: S3 takes as many in one request.
constexpr std::size_t kBatch = 1000;

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
    if (options_.uploads) return give_up_uploads();
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
    auto kind = kind_of({}, *place.store, place.object);
    if (!kind) return fail(std::move(kind).error());
    if (*kind == Kind::kFolder) return remove_folder(place);
    if (*kind == Kind::kObject && place.has_slash) return refused(place, "is an object and no folder");
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

  void give_up_uploads() {
    auto age = parse_duration(options_.older_than);
    if (!age) {
      return session_.report({.code = ErrorCode::kInvalidArgument,
                              .message = "--older-than: must be longer than nothing, with a unit, such as 12h or 7d",
                              .request_id = {}},
                             ExitStatus::kUsage);
    }
    const auto begun_before =
        std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(*age);
    for (const std::string& location : options_.locations) {
      auto place = session_.find(location);
      if (!place) continue;
      if (auto given_up = give_up_uploads(*place, begun_before); !given_up) session_.report(given_up.error());
    }
  }

  Result<void> give_up_uploads(const Place& place, std::chrono::system_clock::time_point begun_before) {
    auto writes = place.store->unfinished_writes({}, place.object);
    if (!writes) return fail(std::move(writes).error());
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    for (const UnfinishedWrite& write : *writes) {
      const bool is_dated = write.begun != std::chrono::system_clock::time_point();
      if (!is_dated || write.begun >= begun_before) continue;
      auto given_up = options_.dry_run ? Result<void>() : place.store->give_up({}, write);
      if (!given_up) return given_up;
      tell_upload(place, write);
      ++count;
      bytes += write.bytes;
      if (session_.out.failed()) return {};
    }
    if (!session_.json && !session_.quiet && !options_.dry_run) {
      session_.out.line(fmt::format("gave up {} of {} {} at {}: {}", count, writes->size(),
                                    writes->size() == 1 ? "upload" : "uploads", session_.out.shown(place.text),
                                    human_size(bytes)));
    }
    return {};
  }

  void tell_upload(const Place& place, const UnfinishedWrite& write) {
    const std::string location = place.location(write.object);
    if (session_.json) {
      session_.out.json({{options_.dry_run ? "would_give_up" : "gave_up", location},
                         {"upload", write.id},
                         {"bytes", write.bytes},
                         {"begun", utc_time(write.begun)}});
    } else if (options_.dry_run) {
      session_.out.line(
          fmt::format("would give up the upload of {} begun {}", session_.out.shown(location), utc_time(write.begun)));
    }
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
    for (std::span<const std::string> left = objects; !left.empty();) {
      auto batch = left.first(std::min(kBatch, left.size()));
      left = left.subspan(batch.size());
      if (auto removed = remove_batch(place, batch); !removed) return removed;
      if (session_.out.failed()) return {};
    }
    if (options_.dry_run) return {};
    return place.store->remove_folder({}, place.object);
  }

  // The first error, after all that could be was removed.
  Result<void> remove_batch(const Place& place, std::span<const std::string> objects) {
    std::vector<ObjectRemoval> removals;
    for (const std::string& object : objects) removals.push_back({.object = object});
    if (!options_.dry_run) place.store->remove_many({}, removals);
    Result<void> result;
    for (const ObjectRemoval& removal : removals) {
      // Where it is gone already, somebody was quicker.
      const bool is_gone = removal.result || removal.result.error().code == ErrorCode::kNotFound;
      if (is_gone) tell(place.location(removal.object));
      if (!is_gone && result) result = removal.result;
    }
    return result;
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
  auto* uploads = command->add_flag(
      "--uploads", options->uploads,
      "Give up unfinished uploads instead, whoever began them (S3; on MinIO name the object in full)");
  auto* older_than = command->add_option(
      "--older-than", options->older_than,
      "With --uploads: begun at least so long ago, such as 7d; copies that are under way as long end too");
  uploads->needs(older_than)->excludes("--recursive", "--whole-store");
  older_than->needs(uploads)->type_name("AGE");
  session.add_options(*command);
  command->callback([&session, options] { Rm(session, *options).run(); });
}

}  // namespace scabbard::cli
