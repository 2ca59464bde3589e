#include "scabbard/context.hpp"

#include <string>

namespace scabbard {
namespace {

class SteadyClock final : public Clock {
 public:
  Time now() const override { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }

  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, const std::stop_token& stop,
            std::optional<Time> until) override {
    // The predicate is what makes the library's wait return on any notification: it holds the second time.
    bool woken = false;
    auto once = [&woken] { return std::exchange(woken, true); };
    if (until) {
      wake.wait_until(lock, stop, *until, once);
    } else {
      wake.wait(lock, stop, once);
    }
  }
};

}  // namespace

Clock& Clock::steady() {
  static auto* clock = new SteadyClock;
  return *clock;
}

Context Context::with_deadline(Clock::Time deadline) const {
  Context copy = *this;
  if (!copy.deadline_ || deadline < *copy.deadline_) copy.deadline_ = deadline;
  return copy;
}

Context Context::with_timeout(Clock::Duration timeout) const {
  Clock::Time start = now();
  // A timeout that reaches past the end of time is none.
  if (timeout > Clock::Time::max() - start) return *this;
  return with_deadline(start + timeout);
}

Context Context::with_cancel(std::stop_token token) const {
  Context copy = *this;
  copy.cancel_ = std::move(token);
  return copy;
}

Context Context::with_clock(Clock& clock) const {
  Context copy = *this;
  copy.clock_ = &clock;
  return copy;
}

std::optional<ErrorCode> Context::ended() const {
  if (cancel_.stop_requested()) return ErrorCode::kCancelled;
  if (deadline_ && now() >= *deadline_) return ErrorCode::kDeadlineExceeded;
  return std::nullopt;
}

Result<void> Context::check(std::string_view operation) const {
  auto reason = ended();
  if (!reason) return {};
  return fail(*reason, std::string(operation) + ": " + std::string(to_string(*reason)));
}

}  // namespace scabbard
