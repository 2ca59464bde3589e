// The one clock of a store that does not answer.
//
// An outage is a state of a store, not of a call. It begins with a failure after which nothing succeeds. Calls ride
// out the first part of it; when it has lasted for the limit, they fail at once until a probe succeeds. Of a time in
// which nobody asked nothing is known: a failure before it and one after it are not one outage, unless that had lasted
// for the limit; and the first call after it is tried in any case. Safe from any thread.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "scabbard/context.hpp"

namespace scabbard::net {

class Outage {
 public:
  explicit Outage(Clock::Duration limit) : limit_(limit) {}

  /// The store answered, whatever it said. True where that ends an outage.
  bool answered();
  /// It did not, because of `reason`.
  void failed(Clock::Time now, const std::string& reason);

  /// True once in an outage that lasts until then, so long that people should hear of it, and for each minute more.
  bool begin_notice(Clock::Time until);
  /// True once after begin_notice(): they should hear that it is over.
  bool end_notice();

  /// How long calls may still be tried: until then. Nothing while there is no outage.
  std::optional<Clock::Time> gives_up_at(Clock::Time now) const;
  /// Whether calls fail at once.
  bool given_up(Clock::Time now) const;
  /// What those say.
  std::string reason() const;
  /// Whether somebody should look whether it is over, which the caller then does.
  bool begin_probe(Clock::Time now);

 private:
  bool is_forgotten(Clock::Time now) const;  // holding mutex_

  const Clock::Duration limit_;
  std::atomic<bool> under_way_ = false;  // what answered() looks at, for each request
  mutable std::mutex mutex_;
  std::optional<Clock::Time> since_;
  Clock::Time last_failure_ = {};
  Clock::Time next_probe_ = {};
  bool noticed_ = false;
  Clock::Time next_notice_ = {};
  std::string reason_;
};

}  // namespace scabbard::net
