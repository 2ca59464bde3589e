#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/quantities.hpp"
#include "cli/commands.hpp"
#include "cli/sectors.hpp"
#include "sector/manifest.hpp"

namespace scabbard::cli {
namespace {

using Json = nlohmann::ordered_json;

struct SectorLsOptions : SectorOptions {
  bool details = false;
  bool human = false;
};

struct SectorRmOptions : SectorOptions {
  bool dry_run = false;
};

// "sealed", "cache": those in which something of it lies.
std::vector<std::string_view> folders_of(const sector::Sector& sector) {
  std::vector<std::string_view> folders;
  for (const sector::Kind kind : sector::kKinds) {
    const auto lies_there = [&](const sector::StoredObject& object) {
      return object.name.starts_with(fmt::format("{}/", folder_of(kind)));
    };
    if (std::ranges::any_of(sector.objects, lies_there)) folders.push_back(folder_of(kind));
  }
  return folders;
}

Json json_of(const std::vector<sector::Flaw>& flaws) {
  Json list = Json::array();
  for (const sector::Flaw& flaw : flaws) list.push_back({{"object", flaw.object}, {"what", flaw.what}});
  return list;
}

void list(Session& session, const SectorLsOptions& options) {
  const auto place = find_store(session, options.store);
  if (!place) return;
  for (const sector::Sector& sector : find_sectors(session, {}, *place, options)) {
    const std::string id = to_string(sector.id);
    if (session.json) {
      session.out.json({{"sector", id},
                        {"objects", sector.objects.size()},
                        {"bytes", sector.bytes()},
                        {"folders", folders_of(sector)},
                        {"flaws", json_of(sector.flaws())}});
    } else if (options.details) {
      const std::string bytes = options.human ? human_size(sector.bytes()) : std::to_string(sector.bytes());
      session.out.line(fmt::format("{:>15}  {:>3} {}  {}{}", bytes, sector.objects.size(),
                                   sector.objects.size() == 1 ? "object " : "objects", id,
                                   sector.flaws().empty() ? "" : "  not complete"));
    } else {
      session.out.line(id);
    }
    if (session.out.failed()) return;
  }
}

// What is known of the present version of an object.
std::string sum_of(const sector::Manifest& known, const sector::StoredObject& object) {
  const auto entry = known.objects.find(object.name);
  if (entry == known.objects.end() || !entry->second.crc32c || entry->second.version != object.version) return {};
  return fmt::format("{:08x}", *entry->second.crc32c);
}

void show_json(Session& session, const Place& place, const sector::Sector& sector, const sector::Manifest& known) {
  Json objects = Json::array();
  for (const sector::StoredObject& object : sector.objects) {
    Json line = {{"object", object.name},
                 {"location", place.location(object.name)},
                 {"size", object.size},
                 {"version", object.version}};
    if (const std::string sum = sum_of(known, object); !sum.empty()) line["crc32c"] = sum;
    objects.push_back(std::move(line));
  }
  session.out.json({{"sector", to_string(sector.id)},
                    {"store", place.store->config().name},
                    {"bytes", sector.bytes()},
                    {"objects", std::move(objects)},
                    {"flaws", json_of(sector.flaws())}});
}

void show(Session& session, const Place& place, const sector::Sector& sector, const sector::Manifest& known) {
  const auto flaws = sector.flaws();
  session.out.line(fmt::format("{:<11} {}", "sector", to_string(sector.id)));
  session.out.line(fmt::format("{:<11} {}", "store", session.out.shown(place.store->config().name)));
  session.out.line(fmt::format("{:<11} {} ({})", "size", sector.bytes(), human_size(sector.bytes())));
  session.out.line(fmt::format("{:<11} {}", "complete", flaws.empty() ? "yes" : "no"));
  for (const sector::StoredObject& object : sector.objects) {
    const std::string sum = sum_of(known, object);
    session.out.line(
        fmt::format("{:>15}  {:8}  {}", object.size, sum.empty() ? "-" : sum, session.out.shown(object.name)));
  }
  for (const sector::Flaw& flaw : flaws) {
    session.out.line(fmt::format("{} {}", session.out.shown(flaw.object), flaw.what));
  }
}

void show_all(Session& session, const SectorOptions& options) {
  const auto place = find_store(session, options.store);
  if (!place) return;
  bool is_first = true;
  for (const sector::Sector& sector : find_sectors(session, {}, *place, options)) {
    auto known = sector::read_manifest({}, *place->store, sector.id);
    if (!known) session.report(known.error());
    if (!std::exchange(is_first, false) && !session.json) session.out.line("");
    const sector::Manifest nothing;
    (session.json ? show_json : show)(session, *place, sector, known ? *known : nothing);
  }
}

class SectorRm {
 public:
  SectorRm(Session& session, const SectorRmOptions& options) : session_(session), options_(options) {}

  void run() {
    const auto place = find_store(session_, options_.store);
    if (!place) return;
    for (const sector::Sector& sector : find_sectors(session_, {}, *place, options_, true)) {
      auto removed = options_.dry_run ? Result<void>() : remove_sector({}, *place->store, sector);
      if (!removed) {
        session_.report(removed.error());
        continue;
      }
      for (const sector::StoredObject& object : sector.objects) tell(place->location(object.name));
      if (session_.out.failed()) return;
    }
  }

 private:
  void tell(const std::string& location) {
    if (session_.json) {
      session_.out.json({{options_.dry_run ? "would_remove" : "removed", location}});
    } else if (options_.dry_run) {
      session_.out.line("would remove " + session_.out.shown(location));
    }
  }

  Session& session_;
  const SectorRmOptions& options_;
};

void add_sector_ls(CLI::App& sector, Session& session) {
  auto* command = sector.add_subcommand("ls", "List the sectors that a store has");
  auto options = std::make_shared<SectorLsOptions>();
  add_sector_options(*command, *options);
  command->add_flag("-l,--long", options->details, "With size in bytes, number of objects, and what is not complete");
  command->set_help_flag("--help", "Print this help message and exit");
  command->add_flag("-h,--human", options->human, "With --long: sizes as people read them");
  session.add_options(*command);
  command->callback([&session, options] { list(session, *options); });
}

void add_sector_stat(CLI::App& sector, Session& session) {
  auto* command = sector.add_subcommand("stat", "Show the objects of sectors, their sums, and what is missing");
  auto options = std::make_shared<SectorOptions>();
  add_sector_options(*command, *options)->required();
  session.add_options(*command);
  command->callback([&session, options] { show_all(session, *options); });
}

void add_sector_rm(CLI::App& sector, Session& session) {
  auto* command = sector.add_subcommand("rm", "Remove sectors with all that belongs to them");
  auto options = std::make_shared<SectorRmOptions>();
  add_sector_options(*command, *options)->required();
  command->add_flag("-n,--dry-run", options->dry_run, "Only show what would be removed");
  session.add_options(*command);
  command->callback([&session, options] { SectorRm(session, *options).run(); });
}

}  // namespace

void add_sector(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("sector", "List, verify, copy and remove whole sectors");
  command->require_subcommand(1);
  for (auto* add : {add_sector_ls, add_sector_stat, add_sector_verify, add_sector_cp, add_sector_rm}) {
    add(*command, session);
  }
}

}  // namespace scabbard::cli
