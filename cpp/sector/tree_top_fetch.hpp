// Filling the cache of tree tops from the stores that sectors lie in.
#pragma once

#include "scabbard/context.hpp"
#include "scabbard/store.hpp"
#include "sector/tree_top_cache.hpp"

namespace scabbard::sector {

/// Reads the tree tops of a sector and keeps them; false where they were kept already. Beside the store's own errors
/// kCorrupt where a file has a length that it cannot have, kChanged where the sector was replaced meanwhile, and those
/// of TreeTopCache::keep().
Result<bool> keep_tree_tops(const Context& ctx, TreeTopCache& cache, const Shape& shape, const Location& cache_folder);

}  // namespace scabbard::sector
