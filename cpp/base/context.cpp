#include "scabbard/context.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <limits>
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

  int wait_for_events(int poller, std::span<epoll_event> events, std::optional<Time> until,
                      std::optional<Duration> at_most) override {
    Duration limit = at_most.value_or(Duration::max());
    if (until) limit = std::min(limit, *until - now());
    // Rounded up, so that the moment has come afterwards.
    auto milliseconds = limit <= Duration::zero() ? 0 : (limit.count() - 1) / 1'000'000 + 1;
    int timeout = limit == Duration::max()
                      ? -1
                      : static_cast<int>(std::min<Duration::rep>(milliseconds, std::numeric_limits<int>::max()));
    return std::max(0, ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), timeout));
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
