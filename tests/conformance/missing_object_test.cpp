// What is not there is "not found", for every call, at once and by that code alone.
#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

TEST_P(Conformance, Stat_of_missing_object_is_not_found) {
  EXPECT_THAT(store().stat(ctx(), "missing"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store().stat(ctx(), "missing/folder/object"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Open_of_missing_object_is_not_found) {
  EXPECT_THAT(store().open(ctx(), "missing"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store().open(ctx(), "missing/folder/object"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Remove_of_missing_object_is_not_found) {
  EXPECT_THAT(store().remove(ctx(), "missing"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store().remove(ctx(), "missing/folder/object"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Copy_of_missing_object_is_not_found_or_unsupported) {
  EXPECT_THAT(store().copy_from(ctx(), "copy", store(), "missing"),
              ::testing::AnyOf(FailsWith(ErrorCode::kNotFound), FailsWith(ErrorCode::kUnsupported)));
  EXPECT_THAT(store().stat(ctx(), "copy"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Not_found_names_operation_object_and_store_and_is_not_worth_trying_again) {
  const auto missing = store().stat(ctx(), "cache/s-t01000-7/p_aux");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr("stat"));
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr("cache/s-t01000-7/p_aux"));
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr(store().config().name));
  EXPECT_THAT(missing.error().message, ::testing::Not(::testing::HasSubstr("\n")));
  EXPECT_FALSE(missing.error().retryable);
}

TEST_P(Conformance, Object_below_an_object_is_not_found) {
  value_of(put("object", "text"));
  EXPECT_THAT(store().stat(ctx(), "object/below"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store().open(ctx(), "object/below"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store().remove(ctx(), "object/below"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Removed_object_is_not_found_at_once) {
  value_of(put("sealed/object", "text"));
  EXPECT_THAT(store().remove(ctx(), "sealed/object"), Succeeds());
  EXPECT_THAT(store().stat(ctx(), "sealed/object"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store().open(ctx(), "sealed/object"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store().remove(ctx(), "sealed/object"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(names(), Gives(::testing::IsEmpty()));
}

TEST_P(Conformance, Missing_object_that_appears_is_found_at_once) {
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kNotFound));
  value_of(put("object", "text"));
  EXPECT_THAT(store().stat(ctx(), "object"), Succeeds());
  EXPECT_THAT(place().open()->stat(ctx(), "object"), Succeeds());
}

TEST_P(Conformance, Folder_is_no_object) {
  value_of(put("folder/object", "text"));
  const ErrorCode code = can().object_beside_folder ? ErrorCode::kNotFound : ErrorCode::kNotRegularFile;
  EXPECT_THAT(store().stat(ctx(), "folder"), FailsWith(code));
  EXPECT_THAT(store().open(ctx(), "folder"), FailsWith(code));
  EXPECT_THAT(store().remove(ctx(), "folder"), FailsWith(code));
  EXPECT_THAT(get("folder/object"), Gives("text"));
}

TEST_P(Conformance, Object_over_a_folder_and_folder_over_an_object) {
  value_of(put("folder/object", "text"));
  value_of(put("object", "text"));
  if (can().object_beside_folder && !provider().server_has_folders) {
    EXPECT_THAT(put("folder", "beside"), Succeeds());
    EXPECT_THAT(put("object/below", "below"), Succeeds());
  } else {
    EXPECT_THAT(put("folder", "beside"), FailsWith(ErrorCode::kNotRegularFile));
    EXPECT_THAT(put("object/below", "below"), FailsWith(ErrorCode::kInvalidPath));
  }
  EXPECT_THAT(get("folder/object"), Gives("text"));
  EXPECT_THAT(get("object"), Gives("text"));
  EXPECT_THAT(place().leftovers(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace scabbard
