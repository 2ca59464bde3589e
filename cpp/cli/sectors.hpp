// What the commands on sectors share: how a store and sectors in it are named.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "sector/sectors.hpp"

namespace scabbard::cli {

struct SectorOptions {
  std::vector<std::string> sectors;
  bool all = false;
  std::string store = ".";
};

/// SECTOR and --store; the names are looked at before anything is done.
CLI::Option* add_sector_options(CLI::App& command, SectorOptions& options);
/// --all, in the place of SECTOR.
void add_all(CLI::App& command, SectorOptions& options);
/// Ends the command as a wrong one where it has neither.
void require_sectors(const SectorOptions& options);

/// The store at a location, which is no object in one; nothing where it is reported why not.
std::optional<Place> find_store(Session& session, const std::string& location);

/// What the store has of the sectors that are named, or of all. What is not there is reported. `by_manifest`: one of
/// which only the manifest is left is there.
std::vector<sector::Sector> find_sectors(Session& session, const Context& ctx, const Place& place,
                                         const SectorOptions& options, bool by_manifest = false);

}  // namespace scabbard::cli
