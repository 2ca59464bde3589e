// Many objects removed at once.
#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

std::vector<ObjectRemoval> removals_of(const std::vector<std::string>& names) {
  std::vector<ObjectRemoval> removals;
  for (const std::string& name : names) removals.push_back({.object = name});
  return removals;
}

TEST_P(Conformance, Many_objects_are_removed_and_no_others) {
  for (const char* name : {"a", "folder/b & <c>", "folder/d", "stays"}) value_of(put(name, name));
  auto removals = removals_of({"a", "folder/b & <c>", "folder/d"});
  store().remove_many(ctx(), removals);
  for (const ObjectRemoval& removal : removals) EXPECT_THAT(removal.result, Succeeds()) << removal.object;
  EXPECT_THAT(names(), Gives(ElementsAre("stays")));
}

TEST_P(Conformance, Name_that_is_none_fails_by_itself) {
  value_of(put("object", "text"));
  auto removals = removals_of({"../object", "object", "missing"});
  store().remove_many(ctx(), removals);
  EXPECT_THAT(removals[0].result, FailsWith(ErrorCode::kInvalidPath));
  EXPECT_THAT(removals[1].result, Succeeds());
  EXPECT_THAT(removals[2].result, AnyOf(Succeeds(), FailsWith(ErrorCode::kNotFound)));
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Nothing_is_removed_from_a_read_only_store) {
  value_of(put("object", "text"));
  auto removals = removals_of({"object"});
  place().open({.read_only = true})->remove_many(ctx(), removals);
  EXPECT_THAT(removals[0].result, FailsWith(ErrorCode::kReadOnly));
  EXPECT_THAT(get("object"), Gives("text"));
}

}  // namespace
}  // namespace scabbard
