// `scabbard plan`: what a proof reads, as anybody may check it.
#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PlanTest : public CommandTest {
 protected:
  Outcome plan(const std::string& type, std::vector<std::string> more) {
    std::vector<std::string> words = {"plan", "--proof-type", type, "--miner", "1000", "--seed", kSeed};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  static constexpr const char* kSeed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
};

TEST_F(PlanTest, Lists_the_ranges_of_each_object) {
  const Outcome outcome = plan("StackedDrgWindow2KiBV1_2", {"--sector", "7"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out,
            "           0   2048  sealed/s-t01000-7\n"
            "           0     64  cache/s-t01000-7/p_aux\n"
            "           0     32  cache/s-t01000-7/sc-02-data-tree-r-last.dat\n");
}

TEST_F(PlanTest, Json_is_one_range_a_line) {
  const Outcome outcome = plan("StackedDrgWindow32GiBV1_2", {"--sector", "7", "--sector", "9", "--json"});
  EXPECT_THAT(outcome.out, HasSubstr(R"({"sector":7,"object":"cache/s-t01000-7/p_aux","offset":0,"length":64})"
                                     "\n"));
  // floor(608454561 * 32 / 16384) * 16384: the first challenge.
  EXPECT_THAT(outcome.out, HasSubstr(R"({"sector":7,"object":"sealed/s-t01000-7","offset":19470532608,"length":16384})"
                                     "\n"));
  EXPECT_THAT(
      outcome.out,
      HasSubstr(R"({"sector":9,"object":"cache/s-t01000-9/sc-02-data-tree-r-last-7.dat","offset":9586944,"length":32})"
                "\n"));
}

TEST_F(PlanTest, Upgraded_sectors_lie_in_other_folders) {
  const Outcome outcome = plan("StackedDrgWindow2KiBV1_2", {"--sector", "7", "--upgraded"});
  EXPECT_THAT(outcome.out, HasSubstr("update/s-t01000-7\n"));
  EXPECT_THAT(outcome.out, HasSubstr("update-cache/s-t01000-7/p_aux\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("sealed")));
}

TEST_F(PlanTest, Wrong_arguments_are_named) {
  EXPECT_THAT(plan("StackedDrgWindow33GiBV1", {"--sector", "7"}), Fails(2, "is no proof type"));
  EXPECT_THAT(plan("StackedDrgWinning2KiBV1", {"--sector", "7", "--sector", "8"}), Fails(2, "of one sector"));
  EXPECT_THAT(plan("StackedDrgWindow2KiBV1", {}), Fails(2, "--sector is required"));
  EXPECT_THAT(run({"plan", "--proof-type", "StackedDrgWindow2KiBV1", "--miner", "1", "--seed", "abc", "--sector", "1"}),
              Fails(2, "is no seed"));
}

}  // namespace
}  // namespace scabbard::cli
