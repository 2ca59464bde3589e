#include "store/url.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace scabbard {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(UrlTest, Is_taken_apart) {
  auto url = value_of(parse_url("S3://bucket/a%20b/c"));
  EXPECT_EQ(url.scheme, "s3");
  EXPECT_EQ(url.authority, "bucket");
  EXPECT_EQ(url.path, "/a b/c");
  EXPECT_EQ(value_of(parse_url("file:///data")).path, "/data");
}

TEST(UrlTest, Paths_are_no_urls) {
  for (const char* path : {"/data", "data", "://x", "a b://x", ""}) EXPECT_FALSE(is_url(path)) << path;
}

TEST(UrlTest, Credentials_are_refused_and_not_repeated) {
  auto url = parse_url("https://user:hunter2@host/x");
  EXPECT_THAT(url, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(url.error().message, Not(HasSubstr("hunter2")));
}

TEST(UrlTest, Malformed_escapes_are_refused) {
  for (const char* url : {"file:///a%", "file:///a%2", "file:///a%zz", "file:///a%00"}) {
    EXPECT_THAT(parse_url(url), FailsWith(ErrorCode::kInvalidArgument)) << url;
  }
}

}  // namespace
}  // namespace scabbard
