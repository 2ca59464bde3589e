// The counts of a store as a table, for whatever shows all of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "scabbard/stats.hpp"

namespace scabbard {

struct Counter {
  std::string_view name;  ///< "..._bytes" where it counts bytes
  std::string_view help;
  std::uint64_t StoreStats::* value;
};

std::span<const Counter> counter_table();

}  // namespace scabbard
