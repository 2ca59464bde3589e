// What the engine has done for one store, counted.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "scabbard/stats.hpp"

namespace scabbard::net {

/// Latencies that are being counted. Safe from any thread.
class LatencyHistogram {
 public:
  void add(std::chrono::nanoseconds latency);
  /// As they are now.
  Latencies now() const;

 private:
  std::array<std::atomic<std::uint64_t>, Latencies::kClasses> classes_ = {};
  std::atomic<std::uint64_t> nanoseconds_ = 0;
};

/// StoreStats that are being counted; what each of them means stands there. Safe from any thread.
struct Counters {
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> attempts = 0;
  std::atomic<std::uint64_t> retries = 0;
  std::atomic<std::uint64_t> hedges_issued = 0;
  std::atomic<std::uint64_t> hedges_won = 0;
  std::atomic<std::uint64_t> failures = 0;
  std::atomic<std::uint64_t> throttles = 0;
  std::atomic<std::uint64_t> connections_opened = 0;
  std::atomic<std::uint64_t> bytes_sent = 0;
  std::atomic<std::uint64_t> bytes_received = 0;
  LatencyHistogram latency;

  /// As they are now, of a store of that name.
  StoreStats now(std::string store) const;
};

}  // namespace scabbard::net
