// What is tried again, and how soon.
#pragma once

#include <curl/curl.h>

#include <optional>
#include <random>
#include <string>

#include "net/exchange.hpp"
#include "scabbard/context.hpp"

namespace scabbard::net {

/// How an answer of this status is tried again, whatever its body says; nothing where it is not.
std::optional<Pace> retry_pace(int status);

/// What a transfer that ended without an answer means.
struct Failure {
  Error error;
  bool retry = true;
  /// The request went out: the server may have carried it out.
  bool may_have_arrived = false;
};
/// `text`: what libcurl says of it, `sent`: whether any of the request was.
Failure failure_of(CURLcode code, std::string_view text, bool sent);

/// Full jitter: somewhere between nothing and a bound that doubles with every attempt, from 50 ms (SlowDown: 500 ms)
/// to 20 s.
Clock::Duration back_off(Pace pace, unsigned attempt, std::minstd_rand& random);

/// Retries of one host may use up a store of tokens, which successes and time fill again: an outage is not
/// multiplied by everybody's retries. Who finds it empty comes later, and is not refused.
class RetryTokens {
 public:
  /// Takes one; when it may be used.
  Clock::Time take(Clock::Time now);
  void succeeded();

 private:
  void refill(Clock::Time now);
  double tokens_ = kMost;
  Clock::Time filled_ = {};

  static constexpr double kMost = 100;
  static constexpr double kPerSecond = 20;
};

}  // namespace scabbard::net
