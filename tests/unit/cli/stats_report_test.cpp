#include "cli/stats_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace scabbard::cli {
namespace {

using namespace std::chrono_literals;

StoreStats some_stats() {
  StoreStats stats{.store = "store-1", .requests = 7, .attempts = 9, .retries = 2, .bytes_sent = 2048, .latency = {}};
  stats.latency.classes[0] = 8;
  stats.latency.classes[4] = 1;
  stats.latency.sum = 1800us;
  return stats;
}

TEST(StatsReport, Is_a_compact_block_for_people) {
  EXPECT_EQ(stats_text(some_stats()),
            "store \"store-1\": 7 requests, 9 attempts, 2 retries, 0 hedges issued, 0 hedges won, 0 failures, "
            "0 throttles, 0 connections opened\n"
            "  2.0 KiB sent, 0 B received\n"
            "  answers took 0.2 ms on average; half at most 0.1 ms, 95 % 1.0 ms, 99 % 1.0 ms\n");
}

TEST(StatsReport, Of_a_store_that_asked_nothing_says_so) {
  EXPECT_EQ(stats_text({.store = "folder", .latency = {}}), "store \"folder\": no requests\n");
}

TEST(StatsReport, Is_one_line_of_JSON_for_programs) {
  const std::string line = stats_json(some_stats());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["stats"], "store-1");
  EXPECT_EQ(parsed["requests"], 7);
  EXPECT_EQ(parsed["sent_bytes"], 2048);
  EXPECT_EQ(parsed["latency_ns"]["count"], 9);
  EXPECT_EQ(parsed["latency_ns"]["p95"], 1'024'000);
}

}  // namespace
}  // namespace scabbard::cli
