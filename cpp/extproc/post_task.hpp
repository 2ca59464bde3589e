// What damocles asks of a prover: a proof of spacetime of sectors that lie somewhere.
//
// Source: damocles-worker/vc-processors/src/builtin/tasks (damocles), "window_post" and "winning_post".
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "scabbard/error.hpp"
#include "sector/proof_type.hpp"

namespace scabbard::extproc {

/// Where a replica lies, as locations.
struct ReplicaPaths {
  std::string sealed_file;
  std::string cache_folder;
};

struct PostReplica {
  ReplicaPaths paths;
  std::string comm_r;  ///< which one it is, as it stands in the request
};

struct PostTask {
  sector::ProofType type;
  sector::Seed seed = {};
  /// By the sectors' numbers. Of one that is named twice, as in the place of a skipped one, the last counts.
  std::map<std::uint64_t, PostReplica> replicas;
};

inline constexpr std::string_view kWindowPost = "window_post";
inline constexpr std::string_view kWinningPost = "winning_post";

/// `stage` is one of the two. kInvalidArgument for what the stock prover could not prove either.
Result<PostTask> parse_post_task(const nlohmann::json& task, std::string_view stage);

/// The same task with other paths for these sectors.
nlohmann::json with_paths(nlohmann::json task, const std::map<std::uint64_t, ReplicaPaths>& paths);

/// The answer that names sectors which cannot be proven: it has no proof.
nlohmann::json faults_answer(const std::vector<std::uint64_t>& sectors);
/// Those that an answer names.
std::vector<std::uint64_t> faults_of(const nlohmann::json& answer);

}  // namespace scabbard::extproc
