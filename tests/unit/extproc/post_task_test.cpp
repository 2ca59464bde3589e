#include "extproc/post_task.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace scabbard::extproc {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;

json replica(std::uint64_t number, const std::string& folder = "/store") {
  const std::string id = "s-t01000-" + std::to_string(number);
  return {{"sector_id", number},
          {"comm_r", std::vector<int>(32, 1)},
          {"cache_dir", folder + "/cache/" + id},
          {"sealed_file", folder + "/sealed/" + id}};
}

json task(const std::vector<json>& replicas, const std::string& type = "StackedDrgWindow32GiBV1_2") {
  return {{"miner_id", 1000}, {"proof_type", type}, {"replicas", replicas}, {"seed", std::vector<int>(32, 3)}};
}

TEST(PostTaskTest, Replicas_are_sorted_and_of_one_that_is_named_twice_the_last_counts) {
  const auto parsed = value_of(parse_post_task(task({replica(9), replica(7, "/old"), replica(7)}), kWindowPost));
  EXPECT_THAT(parsed.replicas, ElementsAre(Key(7), Key(9)));
  EXPECT_EQ(parsed.replicas.at(7).paths.sealed_file, "/store/sealed/s-t01000-7");
  EXPECT_EQ(parsed.replicas.at(7).paths.cache_folder, "/store/cache/s-t01000-7");
  EXPECT_EQ(parsed.seed[31], std::byte{3});
}

TEST(PostTaskTest, What_is_wrong_is_said) {
  const auto refused = [](const json& changed, std::string_view stage, const std::string& what) {
    EXPECT_THAT(parse_post_task(changed, stage), FailsSaying(ErrorCode::kInvalidArgument, what)) << changed;
  };
  const json right = task({replica(7)});
  for (const char* member : {"proof_type", "replicas", "seed"}) {
    json changed = right;
    changed.erase(member);
    refused(changed, kWindowPost, member);
  }
  refused(json::array(), kWindowPost, "malformed window_post task");
  refused(task({}), kWindowPost, "it has no replicas");
  refused(task({replica(7)}, "StackedDrgWindow33GiBV1"), kWindowPost, "is no proof type");
  refused(right, kWinningPost, "is no proof of this stage");
  refused(task({replica(7)}, "StackedDrgWinning2KiBV1"), kWindowPost, "is no proof of this stage");
  refused(task({replica(7), replica(8)}, "StackedDrgWinning2KiBV1"), kWinningPost, "2 replicas, where one is proven");
  json seed = right;
  seed["seed"] = std::vector<int>(31, 3);
  refused(seed, kWindowPost, "malformed window_post task");
  seed["seed"] = std::vector<int>(32, 0x40);
  refused(seed, kWindowPost, "the last byte of the seed is 0x40");
  json nameless = right;
  nameless["replicas"][0].erase("cache_dir");
  refused(nameless, kWindowPost, "cache_dir");
}

TEST(PostTaskTest, Other_paths_are_all_that_changes) {
  const json before = task({replica(7), replica(9), replica(7)});
  const json after = with_paths(before, {{7, {.sealed_file = "/s", .cache_folder = "/c"}}});
  EXPECT_EQ(after["replicas"][0]["sealed_file"], "/s");
  EXPECT_EQ(after["replicas"][2]["cache_dir"], "/c");
  EXPECT_EQ(after["replicas"][1], before["replicas"][1]);
  EXPECT_EQ(after["replicas"][0]["comm_r"], before["replicas"][0]["comm_r"]);
  EXPECT_EQ(after["seed"], before["seed"]);
}

// damocles' Go types have a list there, never null.
TEST(PostTaskTest, Faults_are_an_answer_without_proofs) {
  const json answer = faults_answer({7, 9});
  EXPECT_EQ(answer, json::parse(R"({"proofs": [], "faults": [7, 9]})"));
  EXPECT_THAT(faults_of(answer), ElementsAre(7, 9));
  EXPECT_THAT(faults_of(json::parse(R"({"proofs": ["x"]})")), IsEmpty());
}

}  // namespace
}  // namespace scabbard::extproc
