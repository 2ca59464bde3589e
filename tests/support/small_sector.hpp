// The smallest sector there is, 2 KiB, with all that belongs to it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "support/byte_patterns.hpp"

namespace scabbard {

/// Its objects: names and contents. Those of another `seed` differ at every byte.
inline std::map<std::string, std::string> small_sector(std::string_view id, std::uint64_t seed = 1) {
  const auto content = [seed](std::size_t size) { return to_text(pattern_nodes(seed, size)); };
  const std::string name(id);
  return {{"cache/" + name + "/p_aux", content(32) + content(32)},  // names the root of the tree
          {"cache/" + name + "/sc-02-data-tree-r-last.dat", content(32)},
          {"cache/" + name + "/t_aux", content(100)},
          {"sealed/" + name, content(2048)}};
}

}  // namespace scabbard
