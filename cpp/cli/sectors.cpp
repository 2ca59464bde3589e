#include "cli/sectors.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "sector/manifest.hpp"
#include "sector/sector_files.hpp"

namespace scabbard::cli {
namespace {

// The message for a name that is none, or nothing.
std::string wrong_sector(const std::string& text) {
  auto id = sector::parse_sector_id(text);
  return id ? std::string() : id.error().message;
}

// None of them twice.
std::vector<sector::SectorId> ids_of(const SectorOptions& options) {
  std::vector<sector::SectorId> ids;
  for (const std::string& text : options.sectors) {
    const auto id = sector::parse_sector_id(text);
    if (id && std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

Error has_nothing(const Place& place, const sector::SectorId& id) {
  return {.code = ErrorCode::kNotFound,
          .message = fmt::format("{}: {} has nothing of that sector", to_string(id), quote(place.text)),
          .request_id = {}};
}

Error has_no_sector(const Place& place) {
  const bool is_folder_in_one =
      std::ranges::find(sector::kKinds, std::filesystem::path(place.location("")).filename().string(),
                        sector::folder_of) != sector::kKinds.end();
  return {.code = ErrorCode::kNotFound,
          .message = fmt::format("{} has no sector: {}", quote(place.text),
                                 is_folder_in_one ? "the store is the folder above it" : "is its disk mounted?"),
          .request_id = {}};
}

bool has_manifest(const Context& ctx, const Place& place, const sector::SectorId& id) {
  return place.store->stat(ctx, sector::manifest_name(id)).has_value();
}

}  // namespace

CLI::Option* add_sector_options(CLI::App& command, SectorOptions& options) {
  command.add_option("--store", options.store, "The store, as a folder, a URL or its name (here: .)")
      ->type_name("LOCATION");
  return command.add_option("SECTOR", options.sectors, "Sectors, such as s-t01000-7")->check(wrong_sector, "");
}

void add_all(CLI::App& command, SectorOptions& options) {
  command.add_flag("-a,--all", options.all, "All sectors that the store has")->excludes("SECTOR");
}

void require_sectors(const SectorOptions& options) {
  if (options.sectors.empty() && !options.all) throw CLI::RequiredError("SECTOR or --all");
}

std::optional<Place> find_store(Session& session, const std::string& location) {
  auto place = session.find(location);
  if (!place || place->object.empty()) return place;
  if (auto named = session.find_named(location)) return named;
  const std::string_view store = place->is_local ? std::string_view() : place->store->config().path;
  session.report(
      {.code = ErrorCode::kNotFound,
       .message = store.empty() ? fmt::format("{}: there is no such folder or store", quote(location))
                                : fmt::format("{} is no store; it lies in {}", quote(location), quote(store)),
       .request_id = {}},
      ExitStatus::kStoreNotFound);
  return std::nullopt;
}

std::vector<sector::Sector> find_sectors(Session& session, const Context& ctx, const Place& place,
                                         const SectorOptions& options, bool by_manifest) {
  if (options.sectors.empty()) {
    auto all = sector::list_sectors(ctx, *place.store);
    if (!all) {
      session.report(all.error());
    } else if (all->empty() && options.all) {
      session.report(has_no_sector(place));
    } else if (all->empty()) {
      log::warn("{}", has_no_sector(place).message);
    }
    return all ? *std::move(all) : std::vector<sector::Sector>();
  }
  std::vector<sector::Sector> sectors;
  for (const sector::SectorId& id : ids_of(options)) {
    auto found = sector::find_sector(ctx, *place.store, id);
    if (!found) {
      session.report(found.error());
    } else if (found->objects.empty() && !(by_manifest && has_manifest(ctx, place, id))) {
      session.report(has_nothing(place, id));
    } else {
      sectors.push_back(*std::move(found));
    }
    if (ctx.ended()) break;
  }
  return sectors;
}

}  // namespace scabbard::cli
