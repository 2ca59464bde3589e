// Which objects a sector is made of, and how long they have to be.
//
// Names: damocles (damocles-manager/pkg/objstore and dep/sealer_constructor.go).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sector/sector_id.hpp"

namespace scabbard::sector {

/// The folders of a store in which sectors lie.
enum class Kind { kSealed, kCache, kUpdate, kUpdateCache, kUnsealed };
inline constexpr std::array kKinds = {Kind::kSealed, Kind::kCache, Kind::kUpdate, Kind::kUpdateCache, Kind::kUnsealed};

/// "sealed", "update-cache".
std::string_view folder_of(Kind kind);
/// Whether a sector has a folder of that kind, rather than one object.
constexpr bool has_files(Kind kind) { return kind == Kind::kCache || kind == Kind::kUpdateCache; }

/// "cache/s-t01000-7": an object, or the folder of its files.
std::string name_of(const SectorId& id, Kind kind);

/// An object of a sector. `file` is empty where the kind has one object.
struct SectorObject {
  SectorId id;
  Kind kind = Kind::kSealed;
  std::string file;
};
/// Nothing for objects that are of no sector.
std::optional<SectorObject> sector_object(std::string_view object);

/// What is there of a sector.
struct FoundObject {
  std::string object;
  std::uint64_t size = 0;  ///< bytes
};

/// What is wrong with one of its objects.
struct Flaw {
  std::string object;
  std::string what;
};

/// What is missing from what is there of one sector, or has a length that it cannot have. A sector has to have its
/// sealed file and all of its cache, or, once it was upgraded, update and update-cache instead; of which kind
/// something is there, all has to be.
std::vector<Flaw> flaws_of(const SectorId& id, std::span<const FoundObject> found);

}  // namespace scabbard::sector
