// What one loop knows of one server: who waits for it, and how much it is asked at a time.
#pragma once

#include <deque>

#include "net/retry.hpp"
#include "scabbard/context.hpp"

namespace scabbard::net {

struct Flight;

/// How many requests may be in flight: fewer while the server says that it is asked too much (halved at most once a
/// second), then one more for every round of answers.
class InFlightLimit {
 public:
  bool has_room(unsigned most) const { return in_flight_ < most && in_flight_ < allowed_; }
  void started() { ++in_flight_; }
  void ended() { --in_flight_; }
  void succeeded();
  void slow_down(Clock::Time now);
  /// Whether that was a short while ago.
  bool is_throttled(Clock::Time now) const { return throttled_until_ > now; }
  unsigned in_flight() const { return in_flight_; }

 private:
  static constexpr double kUnbounded = 1e9;
  unsigned in_flight_ = 0;
  double allowed_ = kUnbounded;
  Clock::Time throttled_until_ = {};
  Clock::Time next_cut_ = {};
};

struct Host {
  std::deque<Flight*> small;
  std::deque<Flight*> bulk;
  InFlightLimit limit;
  RetryTokens retries;
};

}  // namespace scabbard::net
