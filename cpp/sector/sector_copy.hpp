// Copying a sector to another store, with what is known of it.
//
// What the destination's manifest says is there is not copied again, so that a copy that ended early is taken up by
// running it once more. The manifest is written after the small objects, and after each large one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "scabbard/store.hpp"
#include "sector/manifest.hpp"
#include "sector/sectors.hpp"

namespace scabbard::sector {

/// What is still to be copied of a sector.
struct CopyPlan {
  SectorId id;
  std::vector<StoredObject> missing;
  std::vector<StoredObject> there;  ///< at the destination, as it is at the source
  Manifest known;                   ///< the source's
};

/// Compares what both stores have of a sector; `there` is the destination's. What lies at the destination without a
/// note in its manifest may be anything, and is to be copied.
Result<CopyPlan> plan_copy(const Context& ctx, Store& source, const Sector& sector, Store& destination,
                           const Sector& there);

struct SectorCopy {
  Store& source;
  Store& destination;
  /// How many objects are copied at a time.
  unsigned jobs = 4;
  /// As in CreateOptions.
  std::atomic<std::uint64_t>* progress = nullptr;
  /// Called for each object that was copied, from threads of its own, one call at a time.
  std::function<void(const StoredObject&)> tell;
};

/// Copies what is missing. The first error, after all that could be was copied and noted. kCorrupt where the source's
/// bytes are not those that its manifest knows; such a copy is removed again.
Result<void> copy_sector(const Context& ctx, const SectorCopy& copy, const CopyPlan& plan);

}  // namespace scabbard::sector
