#include "base/stats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scabbard {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(Latencies, Quantile_is_an_upper_bound) {
  Latencies latencies;
  EXPECT_EQ(latencies.quantile(0.95), 0ns);
  latencies.classes[1] = 95;
  latencies.classes[14] = 5;
  EXPECT_EQ(latencies.quantile(0.95), 128us);
  EXPECT_EQ(latencies.quantile(0.96), Latencies::bound(14));
  EXPECT_EQ(latencies.quantile(1), Latencies::bound(14));
}

TEST(PrometheusText, Has_each_counter_with_its_store_and_the_histogram_cumulated) {
  StoreStats stats{.store = "a \"b\"\n\\", .requests = 7, .latency = {}};
  stats.latency.classes[1] = 1;
  stats.latency.classes.back() = 1;
  stats.latency.sum = 1500ms;
  const std::string text = prometheus_text({&stats, 1});
  EXPECT_THAT(text, HasSubstr("# TYPE scabbard_requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr(R"(scabbard_requests_total{store="a \"b\"\n\\"} 7)"));
  EXPECT_THAT(text, HasSubstr("le=\"6.4e-05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("le=\"0.000128\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(R"(scabbard_request_seconds_sum{store="a \"b\"\n\\"} 1.5)"));
  EXPECT_THAT(text, HasSubstr(R"(scabbard_request_seconds_count{store="a \"b\"\n\\"} 2)"));
}

TEST(PrometheusText, Of_several_stores_describes_each_metric_once) {
  const std::array stores = {StoreStats{.store = "one", .latency = {}}, StoreStats{.store = "two", .latency = {}}};
  const std::string text = prometheus_text(stores);
  const auto described = text.find("# TYPE scabbard_retries_total counter\n");
  ASSERT_NE(described, std::string::npos);
  EXPECT_EQ(text.find("# TYPE scabbard_retries_total", described + 1), std::string::npos);
  EXPECT_THAT(text, HasSubstr("scabbard_retries_total{store=\"one\"} 0\nscabbard_retries_total{store=\"two\"} 0\n"));
}

TEST(PrometheusText, Holds_no_secret_and_only_UTF8) {
  const StoreStats stats{.store = "s3://user:password@host/\xff", .latency = {}};
  const std::string text = prometheus_text({&stats, 1});
  EXPECT_THAT(text, ::testing::Not(HasSubstr("password")));
  EXPECT_THAT(text, HasSubstr(R"(\\u00ff)"));
}

}  // namespace
}  // namespace scabbard
