#include "net/outage.hpp"

#include <gtest/gtest.h>

namespace scabbard::net {
namespace {

using namespace std::chrono_literals;

constexpr Clock::Time kBegin{1h};

TEST(Outage, Begins_with_the_first_failure_and_is_given_up_after_the_limit) {
  Outage outage(5min);
  EXPECT_FALSE(outage.gives_up_at(kBegin));
  outage.failed(kBegin, "first");
  for (auto later = 0s; later <= 4min + 30s; later += 30s) outage.failed(kBegin + later, "last");
  EXPECT_EQ(outage.gives_up_at(kBegin + 4min + 30s), kBegin + 5min);
  EXPECT_FALSE(outage.given_up(kBegin + 5min - 1ns));
  EXPECT_TRUE(outage.given_up(kBegin + 5min));
  EXPECT_EQ(outage.reason(), "last");
}

TEST(Outage, Ends_with_an_answer_once) {
  Outage outage(5min);
  EXPECT_FALSE(outage.answered());
  outage.failed(kBegin, "");
  EXPECT_TRUE(outage.answered());
  EXPECT_FALSE(outage.answered());
  EXPECT_FALSE(outage.given_up(kBegin + 1h));
  outage.failed(kBegin + 1h, "");
  EXPECT_EQ(outage.gives_up_at(kBegin + 1h), kBegin + 1h + 5min);
}

TEST(Outage, Does_not_last_through_a_time_in_which_nobody_asked) {
  Outage outage(5min);
  outage.failed(kBegin, "");
  EXPECT_FALSE(outage.given_up(kBegin + 10min)) << "one failure, long ago";
  EXPECT_FALSE(outage.gives_up_at(kBegin + 10min));
  outage.failed(kBegin + 10min, "");
  EXPECT_EQ(outage.gives_up_at(kBegin + 10min), kBegin + 15min) << "another outage";
}

TEST(Outage, That_lasted_for_the_limit_is_given_up_at_the_first_failure_after_a_quiet_time) {
  Outage outage(5min);
  for (auto later = 0s; later <= 5min; later += 30s) outage.failed(kBegin + later, "");
  EXPECT_TRUE(outage.given_up(kBegin + 5min + 59s));
  EXPECT_FALSE(outage.given_up(kBegin + 1h)) << "it may be over by now: the first call is tried";
  EXPECT_EQ(outage.gives_up_at(kBegin + 1h), kBegin + 5min) << "and not tried again";
  outage.failed(kBegin + 1h, "");
  EXPECT_TRUE(outage.given_up(kBegin + 1h));
}

TEST(Outage, Is_told_of_each_minute_that_it_lasts_and_once_when_it_is_over) {
  Outage outage(5min);
  outage.failed(kBegin, "");
  EXPECT_FALSE(outage.begin_notice(kBegin + 1s)) << "most end at once";
  EXPECT_TRUE(outage.begin_notice(kBegin + 2s));
  EXPECT_FALSE(outage.begin_notice(kBegin + 3s));
  EXPECT_TRUE(outage.begin_notice(kBegin + 62s));
  EXPECT_FALSE(outage.begin_notice(kBegin + 63s));
  EXPECT_TRUE(outage.answered());
  EXPECT_TRUE(outage.end_notice());
  EXPECT_FALSE(outage.end_notice());
}

TEST(Outage, Is_probed_by_one_every_two_seconds) {
  Outage outage(5min);
  EXPECT_FALSE(outage.begin_probe(kBegin));
  outage.failed(kBegin, "");
  EXPECT_TRUE(outage.begin_probe(kBegin));
  EXPECT_FALSE(outage.begin_probe(kBegin + 1999ms));
  EXPECT_TRUE(outage.begin_probe(kBegin + 2s));
}

}  // namespace
}  // namespace scabbard::net
