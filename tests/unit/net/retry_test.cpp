#include "net/retry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "net/host.hpp"

namespace scabbard::net {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Retry, Statuses_that_say_something_of_the_server_are_tried_again) {
  for (int status : {408, 500, 502, 504}) EXPECT_EQ(retry_pace(status), Pace::kBackOff) << status;
  for (int status : {429, 503}) EXPECT_EQ(retry_pace(status), Pace::kSlowDown) << status;
  for (int status : {200, 206, 301, 400, 403, 404, 409, 412, 416, 501, 507}) EXPECT_FALSE(retry_pace(status)) << status;
}

TEST(Retry, Broken_connections_are_tried_again_as_unavailable) {
  for (CURLcode code : {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT, CURLE_SEND_ERROR,
                        CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SSL_CONNECT_ERROR}) {
    const Failure failure = failure_of(code, "", true);
    EXPECT_TRUE(failure.retry) << code;
    EXPECT_TRUE(failure.error.retryable) << code;
    EXPECT_TRUE(failure.may_have_arrived) << code;
    EXPECT_EQ(failure.error.code, ErrorCode::kUnavailable) << code;
  }
}

TEST(Retry, Wrong_certificate_is_final_and_says_what_to_do) {
  for (const auto& [text, advice] : std::map<std::string, std::string>{
           {"SSL certificate problem: certificate has expired", "renew"},
           {"SSL certificate problem: certificate is not yet valid", "clock"},
           {"SSL: no alternative certificate subject name matches target host name 'a'", "Endpoint"},
           {"SSL certificate problem: self-signed certificate", "CaFile"},
           {"", "CaFile"}}) {
    const Failure failure = failure_of(CURLE_PEER_FAILED_VERIFICATION, text, false);
    EXPECT_FALSE(failure.retry);
    EXPECT_FALSE(failure.may_have_arrived);
    EXPECT_THAT(failure.error.message, AllOf(HasSubstr(text), HasSubstr(advice)));
  }
}

Clock::Duration longest_of(Pace pace, unsigned attempt) {
  std::minstd_rand random;  // the same numbers in each run
  Clock::Duration longest = {};
  for (int i = 0; i < 1000; ++i) longest = std::max(longest, back_off(pace, attempt, random));
  return longest;
}

TEST(Retry, Back_off_is_anything_up_to_a_bound_that_doubles) {
  EXPECT_LE(longest_of(Pace::kBackOff, 1), 50ms);
  EXPECT_GT(longest_of(Pace::kBackOff, 1), 45ms);
  EXPECT_LE(longest_of(Pace::kBackOff, 2), 100ms);
  EXPECT_GT(longest_of(Pace::kBackOff, 2), 90ms);
  EXPECT_LE(longest_of(Pace::kSlowDown, 1), 500ms);
  EXPECT_GT(longest_of(Pace::kSlowDown, 1), 450ms);
  EXPECT_EQ(longest_of(Pace::kAtOnce, 5), 0ms);
}

TEST(Retry, Back_off_is_never_longer_than_20_s) {
  for (unsigned attempt : {10U, 32U, 33U, 64U, 1'000'000U}) {
    EXPECT_LE(longest_of(Pace::kBackOff, attempt), 20s);
    EXPECT_GT(longest_of(Pace::kBackOff, attempt), 18s);
    EXPECT_LE(longest_of(Pace::kSlowDown, attempt), 20s);
  }
}

constexpr Clock::Time kStart{1h};

TEST(RetryTokens, Hundred_are_there_at_once_then_twenty_a_second) {
  RetryTokens tokens;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(tokens.take(kStart), kStart);
  EXPECT_EQ(tokens.take(kStart), kStart + 50ms);
  EXPECT_EQ(tokens.take(kStart), kStart + 100ms);
  EXPECT_EQ(tokens.take(kStart + 10s), kStart + 10s);
}

TEST(RetryTokens, Success_gives_one_back) {
  RetryTokens tokens;
  for (int i = 0; i < 100; ++i) tokens.take(kStart);
  tokens.succeeded();
  EXPECT_EQ(tokens.take(kStart), kStart);
  EXPECT_GT(tokens.take(kStart), kStart);
}

TEST(InFlightLimit, Is_the_callers_until_the_server_asks_for_less) {
  InFlightLimit limit;
  for (int i = 0; i < 8; ++i) limit.started();
  EXPECT_TRUE(limit.has_room(9));
  EXPECT_FALSE(limit.has_room(8));
  EXPECT_FALSE(limit.is_throttled(kStart));
}

TEST(InFlightLimit, Is_halved_once_a_second_and_never_below_one) {
  InFlightLimit limit;
  for (int i = 0; i < 8; ++i) limit.started();
  for (int i = 0; i < 20; ++i) limit.slow_down(kStart);
  for (int i = 0; i < 4; ++i) limit.ended();
  EXPECT_TRUE(limit.has_room(100));
  limit.started();
  EXPECT_FALSE(limit.has_room(100));
  for (int i = 1; i < 20; ++i) limit.slow_down(kStart + i * 1s);
  for (int i = 0; i < 5; ++i) limit.ended();
  EXPECT_TRUE(limit.has_room(100));
  limit.started();
  EXPECT_FALSE(limit.has_room(100));
}

TEST(InFlightLimit, Grows_by_one_for_each_round_of_answers) {
  InFlightLimit limit;
  for (int i = 0; i < 7; ++i) limit.started();
  limit.slow_down(kStart);  // to 4
  for (int i = 0; i < 3; ++i) limit.ended();
  EXPECT_FALSE(limit.has_room(100));
  for (int i = 0; i < 5; ++i) limit.succeeded();
  EXPECT_TRUE(limit.has_room(100));
}

TEST(InFlightLimit, Throttling_is_over_after_ten_seconds) {
  InFlightLimit limit;
  limit.slow_down(kStart);
  EXPECT_TRUE(limit.is_throttled(kStart + 9s));
  EXPECT_FALSE(limit.is_throttled(kStart + 10s));
}

}  // namespace
}  // namespace scabbard::net
