// What --stats shows of a store.
#pragma once

#include <string>

#include "scabbard/stats.hpp"

namespace scabbard::cli {

/// For people, some lines; with their ends.
std::string stats_text(const StoreStats& stats);

/// One line of JSON, without its end.
std::string stats_json(const StoreStats& stats);

}  // namespace scabbard::cli
