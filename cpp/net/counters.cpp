#include "net/counters.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace scabbard::net {

void LatencyHistogram::add(std::chrono::nanoseconds latency) {
  const auto least = static_cast<std::uint64_t>(Latencies::bound(0).count());
  auto units = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 1) - 1) / least;
  auto i = std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(units)), Latencies::kClasses - 1);
  classes_[i].fetch_add(1, std::memory_order_relaxed);
  nanoseconds_.fetch_add(static_cast<std::uint64_t>(latency.count()), std::memory_order_relaxed);
}

Latencies LatencyHistogram::now() const {
  Latencies latencies;
  std::ranges::transform(classes_, latencies.classes.begin(),
                         [](const auto& count) { return count.load(std::memory_order_relaxed); });
  latencies.sum = std::chrono::nanoseconds(nanoseconds_.load(std::memory_order_relaxed));
  return latencies;
}

StoreStats Counters::now(std::string store) const {
  auto value = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  return {.store = std::move(store),
          .requests = value(requests),
          .attempts = value(attempts),
          .retries = value(retries),
          .hedges_issued = value(hedges_issued),
          .hedges_won = value(hedges_won),
          .failures = value(failures),
          .throttles = value(throttles),
          .connections_opened = value(connections_opened),
          .bytes_sent = value(bytes_sent),
          .bytes_received = value(bytes_received),
          .latency = latency.now()};
}

}  // namespace scabbard::net
