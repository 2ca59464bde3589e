#include "net/counters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/stats.hpp"

namespace scabbard::net {
namespace {

using namespace std::chrono_literals;

TEST(LatencyHistogram, Class_is_the_first_whose_bound_is_not_exceeded) {
  LatencyHistogram histogram;
  histogram.add(0ns);
  histogram.add(64us);
  histogram.add(64us + 1ns);
  histogram.add(1h);
  const Latencies latencies = histogram.now();
  EXPECT_EQ(latencies.classes.front(), 2U);
  EXPECT_EQ(latencies.classes[1], 1U);
  EXPECT_EQ(latencies.classes.back(), 1U);
  EXPECT_EQ(latencies.count(), 4U);
  EXPECT_EQ(latencies.sum, 1h + 128us + 1ns);
}

TEST(Counters, What_is_counted_is_told_each_by_its_name) {
  Counters counters;
  std::uint64_t count = 0;
  for (auto* counter : {&counters.requests, &counters.attempts, &counters.retries, &counters.hedges_issued,
                        &counters.hedges_won, &counters.failures, &counters.throttles, &counters.connections_opened,
                        &counters.bytes_sent, &counters.bytes_received}) {
    *counter = ++count;
  }
  counters.latency.add(1ms);
  const StoreStats now = counters.now("store-1");
  EXPECT_EQ(now.store, "store-1");
  EXPECT_EQ(now.latency.count(), 1U);
  std::vector<std::uint64_t> told;
  for (const Counter& counter : counter_table()) told.push_back(now.*counter.value);
  EXPECT_THAT(told, ::testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

}  // namespace
}  // namespace scabbard::net
