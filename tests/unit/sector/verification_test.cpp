#include "sector/verification.hpp"

#include "unit/sector/sector_test.hpp"

namespace scabbard::sector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class VerificationTest : public ::testing::Test {
 protected:
  VerificationTest() { store_.put(kSector, small_sector("s-t01000-7")); }

  // "sealed/s-t01000-7: ok", in the order in which they are told.
  std::vector<std::string> verified(Depth depth = Depth::kBytes) const {
    std::vector<std::string> lines;
    verify_sector({}, verification(depth, lines), value_of(find_sector({}, *store_, kSector)));
    return lines;
  }

  Verification verification(Depth depth, std::vector<std::string>& lines) const {
    return {.store = *store_, .depth = depth, .progress = nullptr, .tell = [&lines](const Result<Finding>& finding) {
              if (!finding) return lines.push_back(describe(finding.error()));
              lines.push_back(finding->object + ": " + std::string(to_string(finding->verdict)) + finding->what);
            }};
  }

  const StoreInFolder store_;
  const std::string cache_ = "cache/s-t01000-7/";
  const std::string tree_ = cache_ + "sc-02-data-tree-r-last.dat";
};

TEST_F(VerificationTest, Whole_sector_is_ok) {
  for (const Depth depth : {Depth::kSizes, Depth::kBytes}) {
    EXPECT_THAT(verified(depth),
                ElementsAre(cache_ + "p_aux: ok", tree_ + ": ok", cache_ + "t_aux: ok", "sealed/s-t01000-7: ok"));
  }
}

TEST_F(VerificationTest, Byte_that_was_damaged_is_found_where_bytes_are_read) {
  store_.damage("sealed/s-t01000-7", "X");
  EXPECT_THAT(verified().back(), HasSubstr("sealed/s-t01000-7: wronghas the CRC-32C "));
  EXPECT_EQ(verified(Depth::kSizes).back(), "sealed/s-t01000-7: ok");
}

TEST_F(VerificationTest, Object_that_was_cut_is_told_of_though_any_length_would_do) {
  store_.write(cache_ + "t_aux", "short");
  for (const Depth depth : {Depth::kSizes, Depth::kBytes}) {
    EXPECT_THAT(verified(depth)[2], HasSubstr("t_aux: changedhas 5 bytes, and was written with 100"));
  }
}

TEST_F(VerificationTest, What_is_missing_is_wrong) {
  value_of(store_.store->remove({}, cache_ + "p_aux"));
  EXPECT_THAT(verified(), ElementsAre(tree_ + ": ok", cache_ + "t_aux: ok", "sealed/s-t01000-7: ok",
                                      cache_ + "p_aux: wrongis missing"));
}

TEST_F(VerificationTest, Length_that_no_sector_has_is_wrong_without_a_manifest) {
  value_of(store_.store->remove({}, manifest_name(kSector)));
  store_.write("sealed/s-t01000-7", "x");
  EXPECT_THAT(verified().back(), HasSubstr("wronghas 1 bytes, which no such file of a sector has"));
}

TEST_F(VerificationTest, Without_a_manifest_no_sum_is_known) {
  value_of(store_.store->remove({}, manifest_name(kSector)));
  EXPECT_EQ(verified().back(), "sealed/s-t01000-7: no sum known");
  EXPECT_EQ(verified(Depth::kSizes).back(), "sealed/s-t01000-7: ok");
}

TEST_F(VerificationTest, What_was_replaced_since_is_told_apart_from_damage) {
  store_.write("sealed/s-t01000-7", small_sector("s-t01000-7", 2).at("sealed/s-t01000-7"));
  EXPECT_THAT(verified().back(), HasSubstr("sealed/s-t01000-7: changed"));
  // The same bytes, whoever has written them.
  store_.write("sealed/s-t01000-7", small_sector("s-t01000-7").at("sealed/s-t01000-7"));
  EXPECT_EQ(verified().back(), "sealed/s-t01000-7: ok");
}

TEST_F(VerificationTest, Manifest_that_is_none_is_wrong_itself_and_no_sum_is_known) {
  store_.write(manifest_name(kSector), "{");
  EXPECT_THAT(verified(),
              ElementsAre(HasSubstr(".scabbard/s-t01000-7.json: wrongis no manifest"), cache_ + "p_aux: no sum known",
                          tree_ + ": no sum known", cache_ + "t_aux: no sum known", "sealed/s-t01000-7: no sum known"));
}

TEST_F(VerificationTest, Objects_by_themselves_are_compared_with_the_manifest_and_need_not_be_all) {
  std::vector<std::string> lines;
  store_.damage(cache_ + "t_aux", "X");
  const std::vector<StoredObject> one = {{.name = cache_ + "t_aux", .size = 100, .version = ""},
                                         {.name = "gone", .size = 1, .version = ""}};
  verify_objects({}, verification(Depth::kBytes, lines), kSector, one, {});
  EXPECT_THAT(lines, ElementsAre(HasSubstr("t_aux: wrong"), HasSubstr("not found: ")));
}

TEST_F(VerificationTest, What_is_noted_of_a_folder_that_was_listed_and_is_not_there_is_missing) {
  std::vector<std::string> lines;
  const std::vector<StoredObject> listed = {{.name = cache_ + "t_aux", .size = 100, .version = ""}};
  verify_objects({}, verification(Depth::kSizes, lines), kSector, listed, "cache");
  EXPECT_THAT(lines,
              ElementsAre(HasSubstr("t_aux: ok"), cache_ + "p_aux: wrongis missing", tree_ + ": wrongis missing"));
  lines.clear();
  verify_objects({}, verification(Depth::kSizes, lines), kSector, {}, "");
  EXPECT_THAT(lines, SizeIs(4));
}

}  // namespace
}  // namespace scabbard::sector
