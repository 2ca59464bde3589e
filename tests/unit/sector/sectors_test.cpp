#include "sector/sectors.hpp"

#include "unit/sector/sector_test.hpp"

namespace scabbard::sector {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const SectorId kOther{.miner = 1000, .number = 12};

class SectorsTest : public ::testing::Test {
 protected:
  const StoreInFolder store_;
};

TEST_F(SectorsTest, All_are_listed_by_their_numbers_and_nothing_else_is) {
  store_.put(kOther, small_sector("s-t01000-12"));
  store_.put(kSector, small_sector("s-t01000-7"));
  for (const char* name : {"sealed/x", "sealed/s-t01000-8/x", "cache/x/p_aux", "s-t01000-9", "other/s-t01000-9"}) {
    store_.write(name, "x");
  }
  store_.write("update-cache/s-t01000-10/p_aux", "x");
  const auto sectors = value_of(list_sectors({}, *store_));
  EXPECT_THAT(sectors, ElementsAre(Field(&Sector::id, kSector), Field(&Sector::id, SectorId{1000, 10}),
                                   Field(&Sector::id, kOther)));
  EXPECT_THAT(sectors[0].objects, SizeIs(4));
  EXPECT_EQ(sectors[0].bytes(), 2048U + 64 + 100 + 32);
  EXPECT_THAT(sectors[0].flaws(), IsEmpty());
  EXPECT_THAT(sectors[1].flaws(), SizeIs(3));
}

TEST_F(SectorsTest, Links_to_nowhere_in_the_place_of_objects_are_flaws) {
  store_.put(kSector, small_sector("s-t01000-7"));
  std::filesystem::remove(store_.folder / "sealed/s-t01000-7");
  std::filesystem::create_symlink("/nowhere/at/all", store_.folder / "sealed/s-t01000-7");
  std::filesystem::create_symlink("/nowhere/at/all", store_.folder / "cache/s-t01000-12");
  const auto sectors = value_of(list_sectors({}, *store_));
  ASSERT_THAT(sectors, SizeIs(2));
  EXPECT_THAT(sectors[0].flaws(), ElementsAre(Field(&Flaw::what, ::testing::HasSubstr("is its disk mounted?"))));
  EXPECT_THAT(sectors[1].others, ElementsAre("cache/s-t01000-12"));
}

TEST_F(SectorsTest, Empty_store_has_none) {
  EXPECT_THAT(list_sectors({}, *store_), Gives(IsEmpty()));
  EXPECT_THAT(value_of(find_sector({}, *store_, kSector)).objects, IsEmpty());
}

TEST_F(SectorsTest, One_is_found_as_the_listing_shows_it) {
  store_.put(kSector, small_sector("s-t01000-7"));
  store_.put(kOther, small_sector("s-t01000-12"));
  const auto listed = value_of(list_sectors({}, *store_)).front();
  const auto found = value_of(find_sector({}, *store_, kSector));
  ASSERT_EQ(found.objects.size(), listed.objects.size());
  for (std::size_t i = 0; i < found.objects.size(); ++i) {
    EXPECT_EQ(found.objects[i].name, listed.objects[i].name);
    EXPECT_EQ(found.objects[i].size, listed.objects[i].size);
    EXPECT_EQ(found.objects[i].version, listed.objects[i].version);
  }
}

TEST_F(SectorsTest, One_that_is_removed_leaves_the_others_and_no_folders_of_its_own) {
  store_.put(kSector, small_sector("s-t01000-7"));
  store_.put(kOther, small_sector("s-t01000-12"));
  EXPECT_THAT(remove_sector({}, *store_, value_of(find_sector({}, *store_, kSector))), Succeeds());
  EXPECT_THAT(store_.names(), ElementsAre(".scabbard", ".scabbard/s-t01000-12.json", "cache", "cache/s-t01000-12",
                                          "cache/s-t01000-12/p_aux", "cache/s-t01000-12/sc-02-data-tree-r-last.dat",
                                          "cache/s-t01000-12/t_aux", "sealed", "sealed/s-t01000-12"));
}

TEST_F(SectorsTest, Manifest_stays_while_an_object_does) {
  store_.put(kSector, small_sector("s-t01000-7"));
  auto sector = value_of(find_sector({}, *store_, kSector));
  sector.objects.push_back({.name = "../elsewhere", .size = 1, .version = ""});
  EXPECT_THAT(remove_sector({}, *store_, sector), FailsWith(ErrorCode::kInvalidPath));
  EXPECT_THAT(store_.names(), ::testing::Contains(".scabbard/s-t01000-7.json"));
}

}  // namespace
}  // namespace scabbard::sector
