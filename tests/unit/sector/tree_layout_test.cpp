#include "sector/tree_layout.hpp"

#include <gmock/gmock.h>

#include "unit/sector/shapes.hpp"

namespace scabbard::sector {
namespace {

// rust-fil-proofs and merkletree make files of these lengths.
TEST(TreeLayoutTest, Files_have_the_lengths_that_sealers_give_them) {
  struct Case {
    std::string_view shape;
    unsigned rows_discarded;
    std::uint64_t size;
  };
  for (const Case& one : {Case{"2KiB", 1, 32}, Case{"8MiB", 2, 18'720}, Case{"512MiB", 2, 1'198'368},
                          Case{"32GiB", 2, 9'586'976}, Case{"64GiB", 2, 9'586'976}}) {
    const TreeLayout layout = TreeLayout::usual(*shape_named(one.shape));
    EXPECT_EQ(layout.rows_discarded(), one.rows_discarded) << one.shape;
    EXPECT_EQ(layout.size(), one.size) << one.shape;
  }
}

TEST(TreeLayoutTest, The_length_tells_how_many_rows_were_discarded) {
  EXPECT_EQ(TreeLayout::of_file(k32GiB, 9'586'976)->rows_discarded(), 2U);
  EXPECT_EQ(TreeLayout::of_file(k32GiB, 76'695'840)->rows_discarded(), 1U);
  EXPECT_EQ(TreeLayout::of_file(k32GiB, 613'566'752)->rows_discarded(), 0U);
  EXPECT_EQ(TreeLayout::of_file(k2KiB, 288)->rows_discarded(), 0U);
  for (const std::uint64_t size : {0, 32, 9'586'975, 9'586'977, 18'720}) {
    EXPECT_FALSE(TreeLayout::of_file(k32GiB, size)) << size;
  }
}

TEST(TreeLayoutTest, Levels_follow_each_other_from_the_first_that_is_kept_to_the_root) {
  const TreeLayout layout = TreeLayout::usual(k32GiB);
  EXPECT_EQ(layout.first_level(), 3U);
  EXPECT_EQ(layout.root_level(), 9U);
  EXPECT_EQ(layout.nodes(3), 262'144U);
  const std::uint64_t offsets[] = {0, 8'388'608, 9'437'184, 9'568'256, 9'584'640, 9'586'688, 9'586'944};
  for (unsigned level = 3; level <= 9; ++level) EXPECT_EQ(layout.offset(level), offsets[level - 3]) << level;
}

TEST(TreeLayoutTest, A_segment_is_what_lies_below_a_group_of_the_first_level) {
  EXPECT_EQ(TreeLayout::usual(k32GiB).segment_size(), 16'384U);
  EXPECT_EQ(TreeLayout::usual(k8MiB).segment_size(), 16'384U);
  EXPECT_EQ(TreeLayout::usual(k2KiB).segment_size(), 2'048U);
  EXPECT_EQ(TreeLayout::of_file(k32GiB, 613'566'752)->segment_size(), 256U);
}

TEST(TreeLayoutTest, Siblings_on_the_path_of_a_leaf_lie_together) {
  const TreeLayout layout = TreeLayout::usual(k8MiB);
  EXPECT_EQ(layout.group_offset(3, 0), 0U);
  EXPECT_EQ(layout.group_offset(3, 4'095), 0U);
  EXPECT_EQ(layout.group_offset(3, 4'096), 256U);
  EXPECT_EQ(layout.group_offset(5, 262'143), layout.offset(5));
}

TEST(TreeLayoutTest, Trees_are_numbered_where_there_are_several) {
  EXPECT_EQ(tree_file_name(k8MiB, 0), "sc-02-data-tree-r-last.dat");
  EXPECT_EQ(tree_file_name(k32GiB, 7), "sc-02-data-tree-r-last-7.dat");
}

}  // namespace
}  // namespace scabbard::sector
