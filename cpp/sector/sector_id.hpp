// What a sector is called.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard::sector {

/// Written "s-t0<miner>-<number>", as damocles and lotus do.
struct SectorId {
  std::uint64_t miner = 0;
  std::uint64_t number = 0;
  std::strong_ordering operator<=>(const SectorId&) const = default;
};

/// kInvalidArgument for anything that to_string() would not write.
Result<SectorId> parse_sector_id(std::string_view text);

std::string to_string(const SectorId& id);

}  // namespace scabbard::sector
