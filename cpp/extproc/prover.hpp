// Proofs of sectors that are not on a filesystem: what the stock prover will read of them is fetched and staged, the
// request is handed to it with other paths, and its answer is the answer. Sectors of local folders keep their paths.
//
// An error is the most expensive answer: the partition is given up. So what can be waited for is waited for, a sector
// that cannot be read is named as a fault, and an error is only for a request in which no sector can be read, or that
// is wrong itself.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/thread_pool.hpp"
#include "extproc/delegate.hpp"
#include "extproc/kept_sectors.hpp"
#include "extproc/tree_top_filler.hpp"
#include "extproc/turns.hpp"
#include "scabbard/store.hpp"
#include "sector/staging.hpp"
#include "sector/tree_top_cache.hpp"

namespace scabbard::extproc {

struct ProverOptions {
  std::string stage;  ///< kWindowPost or kWinningPost
  /// How long reading may take, and before it the wait for room that other requests hold.
  Clock::Duration read_deadline = std::chrono::minutes(10);
  /// As of ReplicaFetchOptions.
  Clock::Duration sector_limit = std::chrono::minutes(5);
  /// How long all of it may take, the stock prover included.
  Clock::Duration answer_within = std::chrono::minutes(30);
  /// How long sectors stay staged after an answer without a proof.
  Clock::Duration keep_for = std::chrono::minutes(10);
  std::size_t max_reads = 4096;  ///< at a time, of each store
};

/// Safe from any thread.
class Prover {
 public:
  /// `cache` may be null. `tell` gets lines for people, on any thread.
  Prover(Locator& locator, std::unique_ptr<sector::Staging> staging, std::unique_ptr<sector::TreeTopCache> cache,
         std::vector<std::string> delegate, const ProverOptions& options, std::function<void(const std::string&)> tell);

  /// Removes all that is staged: there will be no more requests, and the process may end without this being destroyed.
  void discard_staging() {
    removing_.stop();
    staging_->discard();
  }

  /// The answer to a task.
  Result<nlohmann::json> run(const Context& ctx, const nlohmann::json& task);

 private:
  friend class Proof;

  Locator& locator_;
  const ProverOptions options_;
  const std::function<void(const std::string&)> tell_;
  const std::unique_ptr<sector::Staging> staging_;
  const std::unique_ptr<sector::TreeTopCache> cache_;
  const std::unique_ptr<TreeTopFiller> filler_;  // where there is a cache
  KeptSectors kept_;
  Turns making_room_{1};
  std::atomic<unsigned> holding_room_ = 0;  // requests that have sectors staged
  const std::uint64_t descriptor_limit_;
  Turns descriptors_;  // that the stock prover may still open
  Delegate delegate_;
  ThreadPool removing_{1};  // what was staged; the last: it uses all others
};

}  // namespace scabbard::extproc
