#include "sector/sector_copy.hpp"

#include "unit/sector/sector_test.hpp"

namespace scabbard::sector {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class SectorCopyTest : public ::testing::Test {
 protected:
  SectorCopyTest() { from_.put(kSector, small_sector("s-t01000-7")); }

  CopyPlan plan() const {
    return value_of(plan_copy({}, *from_, value_of(find_sector({}, *from_, kSector)), *to_,
                              value_of(find_sector({}, *to_, kSector))));
  }

  // What was copied.
  std::vector<std::string> copy(const Context& ctx = {}) const {
    std::vector<std::string> copied;
    result_ = copy_sector(ctx,
                          {.source = *from_,
                           .destination = *to_,
                           .progress = nullptr,
                           .tell = [&](const StoredObject& object) { copied.push_back(object.name); }},
                          plan());
    return copied;
  }

  Manifest manifest() const { return value_of(read_manifest({}, *to_, kSector)); }

  const StoreInFolder from_;
  const StoreInFolder to_;
  mutable Result<void> result_;
  const std::string tree_ = "cache/s-t01000-7/sc-02-data-tree-r-last.dat";
};

TEST_F(SectorCopyTest, Copy_has_all_objects_and_a_manifest_with_their_sums) {
  EXPECT_THAT(copy(), SizeIs(4));
  EXPECT_THAT(result_, Succeeds());
  for (const auto& [name, text] : small_sector("s-t01000-7")) {
    EXPECT_EQ(to_.read(name), text);
    const ManifestEntry noted = manifest().objects.at(name);
    EXPECT_EQ(noted.crc32c, value_of(read_manifest({}, *from_, kSector)).objects.at(name).crc32c) << name;
    EXPECT_EQ(noted.version, value_of((*to_).stat({}, name)).version);
  }
}

TEST_F(SectorCopyTest, What_is_there_is_not_copied_again) {
  copy();
  EXPECT_THAT(copy(), IsEmpty());
  value_of((*to_).remove({}, tree_));
  EXPECT_THAT(copy(), UnorderedElementsAre(tree_));
  EXPECT_THAT(copy(), IsEmpty());
}

TEST_F(SectorCopyTest, What_lies_there_without_a_note_is_copied) {
  to_.write(tree_, small_sector("s-t01000-7").at(tree_));
  EXPECT_THAT(copy(), SizeIs(4));
  to_.write(manifest_name(kSector), "{");
  EXPECT_THAT(copy(), SizeIs(4));
  EXPECT_THAT(copy(), IsEmpty());
}

TEST_F(SectorCopyTest, What_was_replaced_on_either_side_is_copied) {
  copy();
  from_.put(kSector, {{tree_, small_sector("s-t01000-7", 2).at(tree_)}});
  to_.write("sealed/s-t01000-7", std::string(2048, 'x'));
  EXPECT_THAT(copy(), UnorderedElementsAre(tree_, "sealed/s-t01000-7"));
  EXPECT_EQ(to_.read(tree_), small_sector("s-t01000-7", 2).at(tree_));
}

// As a sector that was sealed anew: all of them are of one length.
TEST_F(SectorCopyTest, What_others_have_replaced_at_the_source_is_copied) {
  for (int seed = 2; seed < 4; ++seed) {
    for (const auto& [name, text] : small_sector("s-t01000-7", seed)) from_.write(name, text);
    EXPECT_THAT(copy(), SizeIs(4));
    for (const auto& [name, text] : small_sector("s-t01000-7", seed)) EXPECT_EQ(to_.read(name), text);
    EXPECT_THAT(copy(), IsEmpty());
  }
}

TEST_F(SectorCopyTest, Sum_of_another_version_is_not_passed_on) {
  from_.write("sealed/s-t01000-7", std::string(2048, 'x'));
  copy();
  EXPECT_FALSE(manifest().objects.at("sealed/s-t01000-7").crc32c);
  EXPECT_TRUE(manifest().objects.at(tree_).crc32c);
}

TEST_F(SectorCopyTest, What_came_before_one_that_fails_is_noted) {
  std::filesystem::remove_all(to_.folder / "sealed");
  to_.write("sealed", "a file in the place of the folder");
  EXPECT_THAT(copy(), SizeIs(3));
  EXPECT_FALSE(result_);
  EXPECT_THAT(manifest().objects, SizeIs(3));
  std::filesystem::remove(to_.folder / "sealed");
  EXPECT_THAT(copy(), UnorderedElementsAre("sealed/s-t01000-7"));
  EXPECT_THAT(result_, Succeeds());
}

TEST_F(SectorCopyTest, Context_that_has_ended_copies_nothing) {
  std::stop_source cancel;
  cancel.request_stop();
  EXPECT_THAT(copy(Context().with_cancel(cancel.get_token())), IsEmpty());
  EXPECT_THAT(result_, FailsWith(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace scabbard::sector
