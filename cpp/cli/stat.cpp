#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/quantities.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "store/object_kind.hpp"

namespace scabbard::cli {
namespace {

using Field = std::pair<std::string_view, nlohmann::ordered_json>;

// The same fields as text and as JSON.
void show(Session& session, const std::vector<Field>& fields) {
  if (session.json) {
    nlohmann::ordered_json line;
    for (const auto& [name, value] : fields) line[std::string(name)] = value;
    return session.out.json(line);
  }
  for (const auto& [name, value] : fields) {
    bool is_size = value.is_number_unsigned();
    std::string text = value.is_string() ? session.out.shown(value.get<std::string>()) : value.dump();
    if (value.is_boolean()) text = value.get<bool>() ? "yes" : "no";
    if (is_size && value.get<std::uint64_t>() >= 1024)
      text += fmt::format(" ({})", human_size(value.get<std::uint64_t>()));
    session.out.line(fmt::format("{:<11} {}", name, text));
  }
}

void show_object(Session& session, const Place& place, const ObjectInfo& info) {
  show(session, {{"object", place.object},
                 {"store", place.store->config().name},
                 {"location", place.location(place.object)},
                 {"size", info.size},
                 {"modified", utc_time(info.modified)},
                 {"version", info.version}});
}

// What is in a bucket nobody may be able to tell, but whether there is one.
Result<void> reach(Store& store) {
  if (store.capabilities().local_files) return {};
  auto lister = store.list({}, {.folder = {}, .recursive = false});
  if (!lister) return fail(std::move(lister).error());
  auto page = (*lister)->next({});
  return page ? Result<void>() : fail(std::move(page).error());
}

Result<void> show_store(Session& session, const Place& place) {
  if (auto reached = reach(*place.store); !reached) return reached;
  auto space = place.store->space({});
  if (!space) return fail(std::move(space).error());
  const StoreConfig& config = place.store->config();
  std::vector<Field> fields = {{place.is_local ? "folder" : "store", config.name},
                               {"path", config.path},
                               {"objects at", place.location("")},
                               {"scheme", place.store->scheme()},
                               {"on", space->type},
                               {"read-only", config.read_only || space->read_only},
                               {"total", space->total},
                               {"used", space->used},
                               {"free", space->free}};
  if (config.path == place.location(""))
    std::erase_if(fields, [](const Field& field) { return field.first == "objects at"; });
  show(session, fields);
  return {};
}

Result<void> show_place(Session& session, const Place& place) {
  if (place.object.empty()) return show_store(session, place);
  auto info = place.store->stat({}, place.object);
  if (info) {
    show_object(session, place, *info);
    return {};
  }
  if (auto kind = kind_of({}, *place.store, place.object); !kind || *kind != Kind::kFolder) {
    return fail(std::move(info).error());
  }
  show(session,
       {{"folder", place.object}, {"store", place.store->config().name}, {"location", place.location(place.object)}});
  return {};
}

}  // namespace

void add_stat(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("stat", "Show what is known of objects, folders and stores");
  auto locations = std::make_shared<std::vector<std::string>>();
  command->add_option("LOCATION", *locations, "Of an object: size, time, version; of a store: its space")->required();
  session.add_options(*command);
  command->callback([&session, locations] {
    for (const std::string& location : *locations) {
      auto place = session.find(location);
      if (!place) continue;
      if (locations->size() > 1 && &location != &locations->front() && !session.json) session.out.line("");
      if (auto shown = show_place(session, *place); !shown) session.report(shown.error());
    }
  });
}

}  // namespace scabbard::cli
