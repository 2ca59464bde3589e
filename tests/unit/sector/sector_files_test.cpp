#include "sector/sector_files.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sector/tree_layout.hpp"
#include "support/result_matchers.hpp"

namespace scabbard::sector {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kSize32GiB = std::uint64_t{32} << 30;
const SectorId kWholeSector{.miner = 1000, .number = 7};

// Every object of a sector of that size, as a sealer leaves them.
std::vector<FoundObject> whole(std::uint64_t size, Kind replica, Kind cache, unsigned rows_discarded) {
  const Shape& shape = *shape_of(size);
  const std::string folder = name_of(kWholeSector, cache);
  std::vector<FoundObject> objects = {
      {name_of(kWholeSector, replica), size}, {folder + "/p_aux", 64}, {folder + "/t_aux", 900}};
  for (unsigned tree = 0; tree < shape.trees; ++tree) {
    objects.push_back({folder + "/" + tree_file_name(shape, tree), TreeLayout(shape, rows_discarded).size()});
  }
  return objects;
}

auto is_flaw(const std::string& object, const std::string& what) {
  return ::testing::AllOf(Field(&Flaw::object, object), Field(&Flaw::what, HasSubstr(what)));
}

TEST(SectorId, Is_written_as_it_is_read) {
  EXPECT_THAT(parse_sector_id("s-t01000-7"), Gives(kWholeSector));
  EXPECT_EQ(to_string(kWholeSector), "s-t01000-7");
  EXPECT_THAT(parse_sector_id("s-t018446744073709551615-0"), Succeeds());
}

TEST(SectorId, Anything_else_is_refused) {
  for (const char* text : {"", "s-t01000", "s-t01000-", "s-t0-7", "s-t1000-7", "s-t001000-7", "s-t01000-07",
                           "s-t01000--7", "s-t01000-7.json", "t01000-7", "s-t018446744073709551616-0", "s-t01000-+7"}) {
    EXPECT_THAT(parse_sector_id(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(SectorFiles, Objects_of_sectors_are_told_from_others) {
  const auto file = sector_object("update-cache/s-t01000-7/p_aux");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->id, kWholeSector);
  EXPECT_EQ(file->kind, Kind::kUpdateCache);
  EXPECT_EQ(file->file, "p_aux");
  EXPECT_EQ(sector_object("unsealed/s-t01000-7")->kind, Kind::kUnsealed);
  for (const char* object :
       {"s-t01000-7", "cache/s-t01000-7", "sealed/s-t01000-7/x", "other/s-t01000-7", "cache/x/p_aux"}) {
    EXPECT_FALSE(sector_object(object)) << object;
  }
}

TEST(SectorFiles, Whole_sector_has_no_flaw_however_many_rows_were_discarded) {
  for (const std::uint64_t size :
       {std::uint64_t{2048}, std::uint64_t{8} << 20, std::uint64_t{512} << 20, kSize32GiB, 2 * kSize32GiB}) {
    for (const unsigned rows : {0U, 1U, 2U}) {
      if (size == 2048 && rows == 2) continue;  // there is nothing left of such a tree
      EXPECT_THAT(flaws_of(kWholeSector, whole(size, Kind::kSealed, Kind::kCache, rows)), IsEmpty()) << size;
      EXPECT_THAT(flaws_of(kWholeSector, whole(size, Kind::kUpdate, Kind::kUpdateCache, rows)), IsEmpty()) << size;
    }
  }
}

TEST(SectorFiles, Each_object_that_is_missing_is_a_flaw) {
  const auto all = whole(kSize32GiB, Kind::kSealed, Kind::kCache, 2);
  EXPECT_EQ(all.size(), 11U);
  for (const FoundObject& one : all) {
    auto rest = all;
    std::erase_if(rest, [&](const FoundObject& object) { return object.object == one.object; });
    EXPECT_THAT(flaws_of(kWholeSector, rest), ElementsAre(is_flaw(one.object, "is missing")));
  }
  EXPECT_THAT(flaws_of(kWholeSector, {}), ElementsAre(is_flaw("sealed/s-t01000-7", "is missing")));
}

// Unsealed data may well be kept in a store of its own.
TEST(SectorFiles, Sector_of_unsealed_data_alone_is_told_of_as_that) {
  const std::vector<FoundObject> unsealed = {{.object = "unsealed/s-t01000-7", .size = kSize32GiB}};
  EXPECT_THAT(flaws_of(kWholeSector, unsealed), ElementsAre(is_flaw("sealed/s-t01000-7", "only its unsealed data")));
}

TEST(SectorFiles, Each_length_that_cannot_be_is_a_flaw) {
  const auto all = whole(kSize32GiB, Kind::kSealed, Kind::kCache, 2);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto cut = all;
    cut[i].size = cut[i].object.ends_with("t_aux") ? 0 : cut[i].size - 1;
    EXPECT_THAT(flaws_of(kWholeSector, cut), ElementsAre(is_flaw(all[i].object, "bytes"))) << all[i].object;
  }
}

TEST(SectorFiles, Empty_tree_is_a_flaw_however_small_the_sector) {
  auto all = whole(2048, Kind::kSealed, Kind::kCache, 1);
  all.back().size = 0;
  EXPECT_THAT(flaws_of(kWholeSector, all), ElementsAre(is_flaw(all.back().object, "bytes")));
}

// While the old one is still there, after an upgrade.
TEST(SectorFiles, Both_generations_have_to_be_whole_where_something_of_both_is_there) {
  auto both = whole(8 << 20, Kind::kSealed, Kind::kCache, 2);
  both.push_back({"update/s-t01000-7", 8 << 20});
  EXPECT_THAT(flaws_of(kWholeSector, both),
              ElementsAre(is_flaw("update-cache/s-t01000-7/p_aux", "missing"),
                          is_flaw("update-cache/s-t01000-7/t_aux", "missing"),
                          is_flaw("update-cache/s-t01000-7/sc-02-data-tree-r-last.dat", "missing")));
}

}  // namespace
}  // namespace scabbard::sector
