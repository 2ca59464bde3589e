#include "net/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace scabbard::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseEndpoint, Takes_host_port_and_path_apart) {
  const Endpoint plain = value_of(parse_endpoint("https://S3.Example.com/"));
  EXPECT_EQ(plain.origin, "https://s3.example.com");
  EXPECT_EQ(plain.host, "s3.example.com");
  EXPECT_EQ(plain.path, "");
  EXPECT_TRUE(plain.tls);
  const Endpoint full = value_of(parse_endpoint("http://[::1]:9000/dav//"));
  EXPECT_EQ(full.origin, "http://[::1]:9000");
  EXPECT_EQ(full.host, "[::1]:9000");
  EXPECT_EQ(full.path, "/dav");
  EXPECT_FALSE(full.tls);
}

TEST(ParseEndpoint, Leaves_out_the_port_of_the_scheme) {
  EXPECT_EQ(value_of(parse_endpoint("https://a:443")).host, "a");
  EXPECT_EQ(value_of(parse_endpoint("http://a:80")).host, "a");
  EXPECT_EQ(value_of(parse_endpoint("http://a:443")).host, "a:443");
}

TEST(ParseEndpoint, Refuses_what_is_none) {
  for (const char* text :
       {"", "s3.example.com", "ftp://a", "http://", "http://a:", "http://a:0", "http://a:65536", "http://a:80x",
        "http://[::1", "http://[x]", "http://a b", "http://a?b", "http://a#b", "http://[::1]9000"}) {
    EXPECT_THAT(parse_endpoint(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ParseEndpoint, Does_not_repeat_a_password) {
  const auto refused = parse_endpoint("https://user:hunter2@host");
  ASSERT_THAT(refused, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("hunter2")));
}

Endpoint endpoint(const std::string& host) { return value_of(parse_endpoint("http://" + host)); }

TEST(Endpoints, First_is_asked_until_it_fails_then_the_next_in_turn) {
  Endpoints endpoints({endpoint("a"), endpoint("b"), endpoint("c")});
  for (const char* host : {"a", "b", "c", "a"}) {
    EXPECT_EQ(endpoints.current()->host, host);
    endpoints.failed(endpoints.current());
  }
}

TEST(Endpoints, Many_failures_of_one_move_on_once) {
  Endpoints endpoints({endpoint("a"), endpoint("b"), endpoint("c")});
  const auto first = endpoints.current();
  for (int i = 0; i < 10; ++i) endpoints.failed(first);
  EXPECT_EQ(endpoints.current()->host, "b");
}

TEST(Endpoints, Replaced_ones_are_asked_no_more) {
  Endpoints endpoints({endpoint("a"), endpoint("b")});
  const auto old = endpoints.current();
  endpoints.replace({endpoint("x"), endpoint("y")});
  endpoints.failed(old);
  EXPECT_EQ(endpoints.current()->host, "x");
}

}  // namespace
}  // namespace scabbard::net
