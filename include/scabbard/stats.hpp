/// @file
/// What a store has asked of its server, counted; for people, for programs, and as Prometheus' text.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "scabbard/api.hpp"

namespace scabbard {

/// Numbers of answers by how long they took, in classes that double from 64 us to 134 s.
struct SCABBARD_API Latencies {
  /// How many classes there are.
  static constexpr std::size_t kClasses = 22;
  /// The upper bound of a class. What took longer than the last one's is in the last one.
  static constexpr std::chrono::nanoseconds bound(std::size_t i) {
    return std::chrono::microseconds(std::int64_t{64} << i);
  }

  std::array<std::uint64_t, kClasses> classes = {};  ///< how many in each
  std::chrono::nanoseconds sum{0};                   ///< of all together

  /// In all classes together.
  std::uint64_t count() const;
  /// An upper bound of what `share` (0 to 1) of them took; zero where there are none.
  std::chrono::nanoseconds quantile(double share) const;
};

/// Counts from the opening of a store to one moment. They only grow, and are not all of the very same instant.
struct StoreStats {
  std::string store;                     ///< its name
  std::uint64_t requests = 0;            ///< asked, however often
  std::uint64_t attempts = 0;            ///< sent
  std::uint64_t retries = 0;             ///< sent again after a failure
  std::uint64_t hedges_issued = 0;       ///< sent again because the first answer was late
  std::uint64_t hedges_won = 0;          ///< of these: came first
  std::uint64_t failures = 0;            ///< ended with an error: not with kNotFound, nor by ourselves
  std::uint64_t throttles = 0;           ///< answers that asked to slow down
  std::uint64_t connections_opened = 0;  ///< TCP connections
  std::uint64_t bytes_sent = 0;          ///< of bodies
  std::uint64_t bytes_received = 0;      ///< of bodies
  Latencies latency;                     ///< of attempts that were answered
};

/// The counts of some stores in Prometheus' text format, those of each with the label store="name".
SCABBARD_API std::string prometheus_text(std::span<const StoreStats> stores);

}  // namespace scabbard
