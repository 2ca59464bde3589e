#include "store/object_name.hpp"

#include <gmock/gmock.h>

#include <string>

#include "support/result_matchers.hpp"

namespace scabbard {
namespace {

using namespace std::string_view_literals;

TEST(ObjectNameTest, Ordinary_and_odd_names_are_taken) {
  for (auto name :
       {"a"sv, "sealed/s-t01000-7"sv, "with space"sv, "100%+1"sv, "..."sv, "a..b/c"sv, "扇区"sv, "\n"sv, "\xff"sv}) {
    EXPECT_THAT(check_object_name(name), Succeeds()) << name;
  }
}

TEST(ObjectNameTest, Names_that_leave_the_store_or_are_malformed_are_refused) {
  for (auto name : {""sv, "/"sv, "/a"sv, "a/"sv, "a//b"sv, "."sv, ".."sv, "../a"sv, "a/../b"sv, "a/.."sv, "./a"sv,
                    "a\0b"sv, ".scabbard-tmp-1"sv, "a/.scabbard-tmp-1"sv}) {
    EXPECT_THAT(check_object_name(name), FailsWith(ErrorCode::kInvalidPath)) << name;
  }
}

}  // namespace
}  // namespace scabbard
