// Stores that stand in for others, for backends that look for one of their own kind.
#pragma once

#include "scabbard/store.hpp"

namespace scabbard {

/// A store behind which another one does the work, sooner or later.
class StandIn {
 public:
  virtual ~StandIn() = default;
  /// The one behind, or this one while there is none.
  virtual Store& underlying() = 0;
};

/// The store that does the work.
inline Store& underlying(Store& store) {
  auto* stand_in = dynamic_cast<StandIn*>(&store);
  return stand_in != nullptr ? stand_in->underlying() : store;
}

}  // namespace scabbard
