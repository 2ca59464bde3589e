#include "sector/read_plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "unit/sector/shapes.hpp"

namespace scabbard::sector {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

PlannedRead read_of(ReplicaFile file, std::uint64_t offset, std::uint32_t length) {
  return {.file = file, .length = length, .offset = offset};
}

ProofType window_of(const Shape& shape) { return {.kind = ProofKind::kWindowV12, .shape = &shape}; }

std::vector<std::uint64_t> numbers(std::uint64_t count) {
  std::vector<std::uint64_t> sectors(count);
  std::iota(sectors.begin(), sectors.end(), 100);
  return sectors;
}

struct Total {
  std::size_t sealed = 0, trees = 0, aux = 0;
  std::uint64_t tree_bytes = 0;
};

Total total(const std::vector<SectorPlan>& plans) {
  Total sum;
  for (const SectorPlan& plan : plans) {
    for (const PlannedRead& read : plan.reads) {
      if (read.file == kSealedFile) ++sum.sealed;
      if (read.file == kPersistentAux) ++sum.aux;
      if (read.file >= kFirstTree) ++sum.trees, sum.tree_bytes += read.length;
    }
  }
  return sum;
}

TEST(ReadPlanTest, A_leaf_takes_its_segment_and_its_siblings_in_each_level) {
  const auto reads = plan_reads(k8MiB, TreeLayout::usual(k8MiB), {4'096});
  EXPECT_THAT(reads, ElementsAre(read_of(kSealedFile, 131'072, 16'384), read_of(kPersistentAux, 0, 64),
                                 read_of(kFirstTree, 256, 256), read_of(kFirstTree, 16'384, 256),
                                 read_of(kFirstTree, 18'432, 256), read_of(kFirstTree, 18'688, 32)));
}

TEST(ReadPlanTest, The_smallest_sector_is_read_whole_and_of_its_tree_the_root) {
  EXPECT_THAT(plan_reads(k2KiB, TreeLayout::usual(k2KiB), {0, 33, 63}),
              ElementsAre(read_of(kSealedFile, 0, 2'048), read_of(kPersistentAux, 0, 64), read_of(kFirstTree, 0, 32)));
}

// As rust-fil-proofs reads a sector of 16 KiB, which damocles has no use for: traced with strace, sector 7, seed 00 01
// .. 1f.
TEST(ReadPlanTest, A_small_sector_with_many_trees_is_read_as_filecoin_proofs_does) {
  const Shape k16KiB{.name = "16KiB", .sector_size = 16'384, .trees = 8, .leaves_per_tree = 64};
  std::vector<PlannedRead> expected;
  for (const std::uint64_t segment : {0, 1, 2, 5, 6, 7})
    expected.push_back(read_of(kSealedFile, segment * 2'048, 2'048));
  expected.push_back(read_of(kPersistentAux, 0, 64));
  for (unsigned tree = 0; tree < 8; ++tree) expected.push_back(read_of(kFirstTree + tree, 0, 32));
  EXPECT_EQ(plan_reads(k16KiB, TreeLayout::usual(k16KiB), {417, 421, 493, 117, 36, 430, 51, 151, 324, 415}), expected);
}

TEST(ReadPlanTest, Every_tree_gives_its_root_and_those_with_challenges_the_rest) {
  const std::uint64_t in_tree_5 = 5 * k32GiB.leaves_per_tree + 511;
  const auto reads = plan_reads(k32GiB, TreeLayout::usual(k32GiB), {in_tree_5});
  EXPECT_EQ(reads.front(), read_of(kSealedFile, 5 * k32GiB.leaves_per_tree * kNodeSize, 16'384));
  for (unsigned tree = 0; tree < 8; ++tree) {
    const auto of_tree = std::ranges::count(reads, kFirstTree + tree, &PlannedRead::file);
    EXPECT_EQ(of_tree, tree == 5 ? 7 : 1) << tree;
    EXPECT_THAT(reads, ::testing::Contains(read_of(kFirstTree + tree, 9'586'944, 32)));
  }
}

TEST(ReadPlanTest, Leaves_that_share_a_range_take_it_once) {
  const auto reads = plan_reads(k8MiB, TreeLayout::usual(k8MiB), {511, 0, 512, 511});
  std::set<std::pair<ReplicaFile, std::uint64_t>> distinct;
  for (const PlannedRead& read : reads) distinct.emplace(read.file, read.offset);
  EXPECT_THAT(distinct, SizeIs(reads.size()));
  EXPECT_EQ(std::ranges::count(reads, kSealedFile, &PlannedRead::file), 2);
}

TEST(ReadPlanTest, Other_layouts_have_other_segments_and_more_levels) {
  const TreeLayout all_rows = *TreeLayout::of_file(k32GiB, 613'566'752);
  const auto reads = plan_reads(k32GiB, all_rows, {9});
  EXPECT_EQ(reads.front(), read_of(kSealedFile, 256, 256));
  EXPECT_EQ(std::ranges::count(reads, kFirstTree, &PlannedRead::file), 9);
}

TEST(ReadPlanTest, Sectors_are_ranked_by_number_and_taken_once) {
  const auto plans = plan_reads(window_of(k8MiB), Seed{}, {11, 7, 9, 7});
  ASSERT_THAT(plans, SizeIs(3));
  for (std::uint64_t rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(plans[rank].sector, 7 + 2 * rank);
    EXPECT_EQ(plans[rank].rank, rank);
  }
}

// What a partition needs, on average over the draws of its challenges: some 3 in a thousand more or less.
TEST(ReadPlanTest, A_partition_of_32_GiB_takes_some_174000_reads_and_419_MB) {
  const Total sum = total(plan_reads(window_of(k32GiB), Seed{}, numbers(2'349)));
  EXPECT_NEAR(static_cast<double>(sum.sealed), 23'490, 5);
  EXPECT_EQ(sum.aux, 2'349U);
  EXPECT_NEAR(static_cast<double>(sum.trees), 148'192, 500);
  EXPECT_NEAR(static_cast<double>(sum.tree_bytes), 33.7e6, 0.2e6);
}

TEST(ReadPlanTest, A_winning_proof_of_32_GiB_takes_some_385_reads) {
  const auto plans = plan_reads({.kind = ProofKind::kWinning, .shape = &k32GiB}, Seed{}, {7});
  const Total sum = total(plans);
  EXPECT_EQ(sum.sealed, 66U);
  EXPECT_EQ(sum.aux, 1U);
  EXPECT_NEAR(static_cast<double>(sum.trees), 318, 20);
}

}  // namespace
}  // namespace scabbard::sector
