#include "cli/stats_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/quantities.hpp"
#include "base/stats.hpp"
#include "base/text.hpp"
#include "cli/output.hpp"

namespace scabbard::cli {
namespace {

constexpr std::string_view kBytes = "_bytes";

// "12 hedges issued", "1.0 MiB sent".
std::string shown(const Counter& counter, std::uint64_t value) {
  const bool is_bytes = counter.name.ends_with(kBytes);
  std::string name(counter.name.substr(0, counter.name.size() - (is_bytes ? kBytes.size() : 0)));
  std::ranges::replace(name, '_', ' ');
  return fmt::format("{} {}", is_bytes ? human_size(value) : std::to_string(value), name);
}

std::string shown(std::chrono::nanoseconds duration) {
  return fmt::format("{:.1f} ms", std::chrono::duration<double, std::milli>(duration).count());
}

}  // namespace

std::string stats_text(const StoreStats& stats) {
  std::string text = fmt::format("store {}: ", quote(redacted(stats.store)));
  if (stats.requests == 0) return text + "no requests\n";
  for (const Counter& counter : counter_table()) {
    const bool begins_line = counter.value == &StoreStats::bytes_sent;
    if (counter.value != &StoreStats::requests) text += begins_line ? "\n  " : ", ";
    text += shown(counter, stats.*counter.value);
  }
  const Latencies& latency = stats.latency;
  if (const std::uint64_t count = latency.count(); count > 0) {
    text += fmt::format("\n  answers took {} on average; half at most {}, 95 % {}, 99 % {}", shown(latency.sum / count),
                        shown(latency.quantile(0.5)), shown(latency.quantile(0.95)), shown(latency.quantile(0.99)));
  }
  return text + "\n";
}

std::string stats_json(const StoreStats& stats) {
  nlohmann::ordered_json line = {{"stats", redacted(stats.store)}};
  for (const Counter& counter : counter_table()) line[std::string(counter.name)] = stats.*counter.value;
  line["latency_ns"] = {{"count", stats.latency.count()},
                        {"sum", stats.latency.sum.count()},
                        {"p50", stats.latency.quantile(0.5).count()},
                        {"p95", stats.latency.quantile(0.95).count()},
                        {"p99", stats.latency.quantile(0.99).count()}};
  return json_line(line);
}

}  // namespace scabbard::cli
