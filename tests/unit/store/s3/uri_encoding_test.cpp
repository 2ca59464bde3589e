#include "store/s3/uri_encoding.hpp"

#include <gtest/gtest.h>

namespace scabbard::s3 {
namespace {

using namespace std::string_view_literals;

TEST(UriEncodingTest, Path_keeps_unreserved_characters_and_slashes) {
  EXPECT_EQ(encoded_path("/bucket/AZaz09-._~/x"), "/bucket/AZaz09-._~/x");
}

TEST(UriEncodingTest, Path_encodes_everything_else_byte_by_byte_with_capitals) {
  EXPECT_EQ(encoded_path(" !\"#$%&'()*+,:;<=>?@[\\]^`{|}"),
            "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D");
  EXPECT_EQ(encoded_path("\0\n\x7F\xFF\xE1\x88\xB4"sv), "%00%0A%7F%FF%E1%88%B4");
}

TEST(UriEncodingTest, Path_is_not_normalised) { EXPECT_EQ(encoded_path("//a/./b/../c//"), "//a/./b/../c//"); }

TEST(UriEncodingTest, Path_that_is_encoded_already_is_encoded_again) { EXPECT_EQ(encoded_path("a%20b"), "a%2520b"); }

TEST(UriEncodingTest, Query_without_parameters_is_empty) { EXPECT_EQ(encoded_query({}), ""); }

TEST(UriEncodingTest, Query_gives_every_name_an_equals_sign) {
  const QueryParameter uploads[] = {{.name = "uploads", .value = ""}};
  EXPECT_EQ(encoded_query(uploads), "uploads=");
}

TEST(UriEncodingTest, Query_encodes_slashes_too) {
  const QueryParameter prefix[] = {{.name = "prefix", .value = "sealed/s-t01000-7 +"}};
  EXPECT_EQ(encoded_query(prefix), "prefix=sealed%2Fs-t01000-7%20%2B");
}

TEST(UriEncodingTest, Query_is_sorted_by_encoded_name_then_by_encoded_value) {
  // Encoded, the Greek letter begins with '%', which sorts before letters; "a-" sorts behind "a", though '-' is
  // before '='.
  const QueryParameter mixed[] = {{.name = "b", .value = "2"},       {.name = "a-", .value = "1"},
                                  {.name = "a", .value = "z"},       {.name = "a", .value = "\xCE\xB1"},
                                  {.name = "\xCE\xB1", .value = ""}, {.name = "B", .value = "3"}};
  EXPECT_EQ(encoded_query(mixed), "%CE%B1=&B=3&a=%CE%B1&a=z&a-=1&b=2");
}

}  // namespace
}  // namespace scabbard::s3
