#include "base/stats.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <vector>

#include "base/text.hpp"

namespace scabbard {
namespace {

constexpr std::array kCounters = {
    Counter{"requests", "Requests asked, however often they were sent.", &StoreStats::requests},
    Counter{"attempts", "Requests sent.", &StoreStats::attempts},
    Counter{"retries", "Requests sent again after a failure.", &StoreStats::retries},
    Counter{"hedges_issued", "Requests sent again because the first answer was late.", &StoreStats::hedges_issued},
    Counter{"hedges_won", "Hedges that were answered first.", &StoreStats::hedges_won},
    Counter{"failures", "Requests that ended with an error, but for what was not found or given up by ourselves.",
            &StoreStats::failures},
    Counter{"throttles", "Answers that asked to slow down.", &StoreStats::throttles},
    Counter{"connections_opened", "TCP connections opened.", &StoreStats::connections_opened},
    Counter{"sent_bytes", "Bytes of bodies sent.", &StoreStats::bytes_sent},
    Counter{"received_bytes", "Bytes of bodies received.", &StoreStats::bytes_received},
};

// Prometheus knows three escapes, and no text that is not UTF-8.
std::string label_of(const StoreStats& stats) {
  std::string value = redacted(stats.store);
  if (!is_utf8(value)) value = printable(value);
  std::string label = "store=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') label += '\\';
    label += c == '\n' ? "\\n" : std::string(1, c);
  }
  return label + "\"";
}

void append_latency(std::string& out, const Latencies& latency, std::string_view label) {
  auto to = std::back_inserter(out);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < Latencies::kClasses; ++i) {
    total += latency.classes[i];
    const bool last = i + 1 == Latencies::kClasses;
    const double bound = std::chrono::duration<double>(Latencies::bound(i)).count();
    fmt::format_to(to, "scabbard_request_seconds_bucket{{{},le=\"{}\"}} {}\n", label,
                   last ? "+Inf" : fmt::format("{}", bound), total);
  }
  fmt::format_to(to, "scabbard_request_seconds_sum{{{0}}} {1}\nscabbard_request_seconds_count{{{0}}} {2}\n", label,
                 std::chrono::duration<double>(latency.sum).count(), total);
}

}  // namespace

std::span<const Counter> counter_table() { return kCounters; }

std::uint64_t Latencies::count() const { return std::accumulate(classes.begin(), classes.end(), std::uint64_t{0}); }

std::chrono::nanoseconds Latencies::quantile(double share) const {
  const auto wanted = static_cast<double>(count()) * share;
  double seen = 0;
  for (std::size_t i = 0; i < kClasses && wanted > 0; ++i) {
    seen += static_cast<double>(classes[i]);
    if (seen >= wanted) return bound(i);
  }
  return {};
}

// All stores of one metric stand together: that is how the format wants it.
std::string prometheus_text(std::span<const StoreStats> stores) {
  std::vector<std::string> labels;
  std::ranges::transform(stores, std::back_inserter(labels), label_of);
  std::string out;
  auto to = std::back_inserter(out);
  for (const Counter& counter : kCounters) {
    fmt::format_to(to, "# HELP scabbard_{0}_total {1}\n# TYPE scabbard_{0}_total counter\n", counter.name,
                   counter.help);
    for (std::size_t i = 0; i < stores.size(); ++i) {
      fmt::format_to(to, "scabbard_{}_total{{{}}} {}\n", counter.name, labels[i], stores[i].*counter.value);
    }
  }
  fmt::format_to(to,
                 "# HELP scabbard_request_seconds From sending a request to the end of its answer.\n"
                 "# TYPE scabbard_request_seconds histogram\n");
  for (std::size_t i = 0; i < stores.size(); ++i) append_latency(out, stores[i].latency, labels[i]);
  return out;
}

}  // namespace scabbard
