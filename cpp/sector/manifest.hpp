// What is kept beside the objects of a sector: their sizes and sums, in `.scabbard/<sector id>.json` of the store. It
// is written after the objects are in place. Where there is none, nothing is known, and nothing is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "scabbard/store.hpp"
#include "sector/sector_id.hpp"

namespace scabbard::sector {

/// The folder of manifests.
inline constexpr std::string_view kManifestFolder = ".scabbard";

struct ManifestEntry {
  std::uint64_t size = 0;               ///< bytes
  std::optional<std::uint32_t> crc32c;  ///< where the bytes went through this program, and not the kernel alone
  std::string version;                  ///< of the object that this is known of
  std::string copied_from = {};         ///< the version at another store that it is a copy of; empty: it is none
};

struct Manifest {
  std::map<std::string, ManifestEntry, std::less<>> objects;  ///< by name
};

std::string manifest_name(const SectorId& id);
/// The sector that an object is the manifest of; nothing where it is none.
std::optional<SectorId> manifest_sector(std::string_view object);

/// kInvalidArgument where it is none.
Result<Manifest> parse_manifest(std::string_view text);
std::string manifest_text(const SectorId& id, const Manifest& manifest);

/// Empty where there is none.
Result<Manifest> read_manifest(const Context& ctx, Store& store, const SectorId& id);
/// Empty as well where what is there is none, which is of no use to anybody.
Result<Manifest> known_manifest(const Context& ctx, Store& store, const SectorId& id);
/// Replaces the whole of it. One that would be too long to be read (of some 400,000 objects) is not written.
Result<void> write_manifest(const Context& ctx, Store& store, const SectorId& id, const Manifest& manifest);

/// Takes what was written for known of a sector's objects. Entries of objects that lie in `replaced` (a folder, or
/// empty) and are not in `written` go.
Result<void> note_written(const Context& ctx, Store& store, const SectorId& id, const Manifest& written,
                          std::string_view replaced);

}  // namespace scabbard::sector
