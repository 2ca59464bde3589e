#include "net/content_range.hpp"

#include <gtest/gtest.h>

namespace scabbard::net {
namespace {

TEST(ContentRange, Names_first_byte_length_and_size) {
  const auto range = parse_content_range("bytes 10-63/1000");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 10U);
  EXPECT_EQ(range->length, 54U);
  EXPECT_EQ(range->object_size, 1000U);
}

TEST(ContentRange, Of_a_416_names_the_size_alone) {
  const auto range = parse_content_range("bytes */1000");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->length, 0U);
  EXPECT_EQ(range->object_size, 1000U);
}

TEST(ContentRange, May_be_as_large_as_numbers_are) {
  EXPECT_TRUE(parse_content_range("bytes 0-18446744073709551613/18446744073709551614"));
  EXPECT_TRUE(parse_content_range("bytes 18446744073709551613-18446744073709551613/18446744073709551615"));
}

TEST(ContentRange, That_is_none_or_contradicts_itself_is_refused) {
  for (const char* text :
       {"", "bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes 0-9/*", "bytes 9-0/10", "bytes 0-10/10", "bytes -9/10",
        "bytes 0-/10", "items 0-9/10", "bytes=0-9/10", "bytes  0-9/10", "bytes 0-9/10 ", "bytes 0x0-9/10",
        "bytes 0-18446744073709551615/18446744073709551615", "bytes 0-9/18446744073709551616",
        "bytes 18446744073709551615-18446744073709551615/18446744073709551615", "bytes +0-9/10"}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

}  // namespace
}  // namespace scabbard::net
