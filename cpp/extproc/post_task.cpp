#include "extproc/post_task.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace scabbard::extproc {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> malformed(std::string_view stage, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("malformed {} task: {}", stage, what));
}

// 32 numbers. Throws Json::exception.
sector::Seed seed_from(const Json& numbers) {
  const auto bytes = numbers.get<std::array<std::uint8_t, sizeof(sector::Seed)>>();
  sector::Seed seed;
  std::ranges::transform(bytes, seed.begin(), [](std::uint8_t byte) { return std::byte{byte}; });
  return seed;
}

std::map<std::uint64_t, PostReplica> replicas_from(const Json& list) {
  std::map<std::uint64_t, PostReplica> replicas;
  for (const Json& replica : list) {
    replicas[replica.at("sector_id").get<std::uint64_t>()] = {
        .paths = {.sealed_file = replica.at("sealed_file"), .cache_folder = replica.at("cache_dir")},
        .comm_r = replica.value("comm_r", Json()).dump()};
  }
  return replicas;
}

}  // namespace

Result<PostTask> parse_post_task(const Json& json, std::string_view stage) {
  try {
    const auto type = sector::parse_proof_type(json.at("proof_type").get<std::string>());
    if (!type) return malformed(stage, type.error().message);
    PostTask task{.type = *type, .seed = seed_from(json.at("seed")), .replicas = replicas_from(json.at("replicas"))};
    if (auto valid = sector::check_seed(task.seed); !valid) return malformed(stage, valid.error().message);
    if (type->is_winning() != (stage == kWinningPost)) {
      return malformed(stage, fmt::format("{} is no proof of this stage", to_string(*type)));
    }
    if (task.replicas.empty()) return malformed(stage, "it has no replicas");
    if (type->is_winning() && task.replicas.size() != 1) {
      return malformed(stage, fmt::format("it has {} replicas, where one is proven", task.replicas.size()));
    }
    return task;
  } catch (const Json::exception& error) {
    return malformed(stage, error.what());
  }
}

Json with_paths(Json task, const std::map<std::uint64_t, ReplicaPaths>& paths) {
  for (Json& replica : task.at("replicas")) {
    const auto found = paths.find(replica.at("sector_id").get<std::uint64_t>());
    if (found == paths.end()) continue;
    replica["sealed_file"] = found->second.sealed_file;
    replica["cache_dir"] = found->second.cache_folder;
  }
  return task;
}

Json faults_answer(const std::vector<std::uint64_t>& sectors) {
  return {{"proofs", Json::array()}, {"faults", sectors}};
}

std::vector<std::uint64_t> faults_of(const Json& answer) {
  const auto faults = answer.find("faults");
  if (faults == answer.end() || !faults->is_array()) return {};
  std::vector<std::uint64_t> sectors;
  for (const Json& sector : *faults) {
    if (sector.is_number_unsigned()) sectors.push_back(sector.get<std::uint64_t>());
  }
  return sectors;
}

}  // namespace scabbard::extproc
