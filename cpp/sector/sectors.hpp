// Which sectors a store has, from its listings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scabbard/store.hpp"
#include "sector/sector_files.hpp"
#include "sector/sector_id.hpp"

namespace scabbard::sector {

/// An object as a listing shows it.
struct StoredObject {
  std::string name;
  std::uint64_t size = 0;  ///< bytes
  std::string version;
};

/// What is wrong with what has an object's name and is none.
inline constexpr std::string_view kIsNoObject = "is a link to nowhere (is its disk mounted?), a pipe or a device";

/// What a store has of a sector.
struct Sector {
  SectorId id;
  std::vector<StoredObject> objects;  ///< by name
  /// What has the name of one and is none, such as a link to nowhere. Known from listings only.
  std::vector<std::string> others;

  std::uint64_t bytes() const;
  std::vector<Flaw> flaws() const;
};

/// All sectors, by their ids, from a listing of each of the folders in which sectors lie.
Result<std::vector<Sector>> list_sectors(const Context& ctx, Store& store);

/// One sector, without a listing of all. Without objects where the store has none of it.
Result<Sector> find_sector(const Context& ctx, Store& store, const SectorId& id);

/// Removes what was found of a sector, and its manifest last: where this ends early, that is still there to tell.
Result<void> remove_sector(const Context& ctx, Store& store, const Sector& sector);

}  // namespace scabbard::sector
