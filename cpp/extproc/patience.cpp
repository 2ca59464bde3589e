#include "extproc/patience.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "base/quantities.hpp"
#include "base/sleep.hpp"

namespace scabbard::extproc {
namespace {

constexpr auto kFirstPause = std::chrono::seconds(1);
constexpr auto kLongestPause = std::chrono::seconds(30);
constexpr auto kBetweenLines = std::chrono::minutes(1);

std::string shown(Clock::Duration duration) {
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(duration));
}

}  // namespace

bool mends_itself(const Error& error) {
  switch (error.code) {
    case ErrorCode::kChanged:
    case ErrorCode::kCancelled:
    case ErrorCode::kClosed:
      return false;
    case ErrorCode::kNoSpace:
    case ErrorCode::kDeadlineExceeded:  // of something within the call
    case ErrorCode::kUnavailable:       // also where somebody has to do something: mount a disk, make a bucket
      return true;
    default:
      return error.retryable;
  }
}

bool Patience::wait(std::string_view what, Error& error) {
  if (!mends_itself(error) || ctx_.ended()) return false;
  const Clock::Time now = ctx_.now();
  if (!begun_) {
    begun_ = now;
    next_line_ = now;
    pause_ = kFirstPause;
  }
  const Clock::Duration waited = now - *begun_;
  if (waited >= limit_) {
    error.message = fmt::format("given up after {}: {}", shown(waited), error.message);
    return false;
  }
  if (now >= next_line_) {
    tell_(fmt::format("{} waits, for {} now and {} at most: {}", what, shown(waited), shown(limit_), error.message));
    next_line_ = now + kBetweenLines;
  }
  const Clock::Duration pause = std::min({pause_, limit_ - waited, next_line_ - now});
  pause_ = std::min<Clock::Duration>(2 * pause_, kLongestPause);
  const bool had_turn = turn_.give_back();
  return sleep(ctx_, pause) && (!had_turn || turn_.take(ctx_));
}

}  // namespace scabbard::extproc
