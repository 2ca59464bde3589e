// Reading what a proof needs of many sectors, from all the stores that they lie in at once, and staging it as it comes.
//
// Each store has a thread and a queue of reads of its own: one that does not answer holds nobody else up. A file is
// read as a whole, which is what neighbouring ranges are merged in, and read again as a whole. How many rows of its
// trees a sealer discarded shows in the first answer; until then two are assumed, and where that was wrong the sector
// is planned anew. With a cache the trees wait for p_aux, which says whether their tops are in it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scabbard/context.hpp"
#include "scabbard/store.hpp"
#include "sector/staging.hpp"
#include "sector/tree_top_cache.hpp"

namespace scabbard::sector {

/// A sector of a request: input above, output below.
struct WantedReplica {
  Location sealed_file;
  Location cache_folder;
  std::vector<std::uint64_t> leaves;  ///< of challenged_leaves()
  /// Where it is staged. Null: it is proven from where it is, and only looked at.
  StagedSector* staged = nullptr;
  /// Where the tops of its trees may be taken from; may be null.
  TreeTopCache* cache = nullptr;

  /// Why it cannot be proven.
  Result<void> result = {};
  std::optional<TreeLayout> layout = {};  ///< of its trees, where it can be
  bool has_cached_tops = false;
};

/// A file of a replica's cache folder: p_aux or a tree.
std::string cache_object(const Location& cache_folder, const Shape& shape, ReplicaFile file);

/// How far a fetch is.
struct FetchProgress {
  std::size_t sectors = 0;
  std::size_t ready = 0;
  std::size_t failed = 0;
  std::uint64_t reads = 0;
  std::uint64_t bytes = 0;
  std::uint64_t retries = 0;  ///< of files, and of requests of these stores
  std::size_t cached = 0;     ///< sectors whose tree tops were in the cache
  std::string waiting_for;    ///< the store with most reads left; empty where there is none
};

struct ReplicaFetchOptions {
  /// While fewer ranges than this are asked for, of each store, the next file is.
  std::size_t max_reads = 4096;
  /// What has not come for so long since it was asked for first, from a store that answers, is given up once
  /// everything else is ready.
  Clock::Duration sector_limit = std::chrono::minutes(5);
  /// Called now and then, on the calling thread.
  std::function<void(const FetchProgress&)> tell;
};

/// Returns when each of them is staged or failed. What may mend itself is tried again until `ctx` ends; what then has
/// not come fails with the error that was met last. All stores are of one process.
void fetch_replicas(const Context& ctx, const Shape& shape, std::span<WantedReplica> replicas,
                    const ReplicaFetchOptions& options);

}  // namespace scabbard::sector
