// Folders in which nothing is left.
#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(Conformance, Removed_folder_is_gone_with_those_below_it) {
  for (const char* object : {"folder/a/1", "folder/b/c/2", "folder/3", "other"}) value_of(put(object, "text"));
  for (const char* object : {"folder/a/1", "folder/b/c/2", "folder/3"}) value_of(store().remove(ctx(), object));
  EXPECT_THAT(store().remove_folder(ctx(), "folder"), Succeeds());
  EXPECT_THAT(names({.folder = {}, .recursive = false}), Gives(ElementsAre("other")));
}

TEST_P(Conformance, Folder_with_objects_keeps_them) {
  value_of(put("folder/a/1", "text"));
  (void)store().remove_folder(ctx(), "folder");
  EXPECT_THAT(names(), Gives(ElementsAre("folder/a/1")));
}

TEST_P(Conformance, All_folders_of_a_store_go_and_the_store_stays) {
  for (const char* object : {"a/b/1", "c/2", "3"}) value_of(put(object, "text"));
  for (const char* object : {"a/b/1", "c/2", "3"}) value_of(store().remove(ctx(), object));
  EXPECT_THAT(store().remove_folder(ctx(), ""), Succeeds());
  EXPECT_THAT(names({.folder = {}, .recursive = false}), Gives(IsEmpty()));
  EXPECT_THAT(put("again", "text"), Succeeds());
}

TEST_P(Conformance, Removed_folder_takes_along_what_killed_writers_left_in_it) {
  ASSERT_TRUE(abandon_writer(provider(), place(), "folder/deeper/object"));
  ASSERT_TRUE(abandon_writer(provider(), place(), "other/object"));
  EXPECT_THAT(store().remove_folder(ctx(), "folder"), Succeeds());
  EXPECT_EQ(place().leftovers().size(), 1U) << "other folders are not its business";
}

TEST_P(Conformance, Folder_in_which_somebody_writes_stays) {
  auto writer = value_of(store().create(ctx(), "folder/object"));
  value_of(writer->write(ctx(), pattern_bytes(1, 2'000'000)));
  (void)store().remove_folder(ctx(), "folder");
  EXPECT_THAT(writer->finish(ctx()), Succeeds());
  EXPECT_THAT(get_bytes(store(), ctx(), "folder/object"), Gives(pattern_bytes(1, 2'000'000)));
}

TEST_P(Conformance, Removing_a_folder_that_is_none_does_nothing) {
  value_of(put("object", "text"));
  EXPECT_THAT(store().remove_folder(ctx(), "missing/folder"), Succeeds());
  EXPECT_THAT(store().remove_folder(ctx(), "object"), Succeeds());
  EXPECT_THAT(get("object"), Gives("text"));
}

TEST_P(Conformance, Folder_whose_name_is_malformed_is_not_removed) {
  for (const char* folder : {"/", "..", "a/../b", "/a"}) {
    EXPECT_THAT(store().remove_folder(ctx(), folder), FailsWith(ErrorCode::kInvalidPath)) << folder;
  }
}

}  // namespace
}  // namespace scabbard
