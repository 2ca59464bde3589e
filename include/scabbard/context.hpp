/// @file
/// How long a call may take: a cancel token and a deadline, passed first to every call that can wait.
///
/// Every wait inside scabbard ends when either of them does. A Context is a small value, cheap to copy;
/// copies may be used from any thread. Cancellation is the standard library's: keep a std::stop_source,
/// hand out its token.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>

#include "scabbard/api.hpp"
#include "scabbard/error.hpp"

struct epoll_event;

namespace scabbard {

/// Time as scabbard sees it. The process uses Clock::steady(); tests put a clock of their own in a
/// Context and move it by hand. Implementations are safe to use from any thread.
class SCABBARD_API Clock {
 public:
  /// Nanoseconds.
  using Duration = std::chrono::nanoseconds;
  /// A moment of this clock.
  using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

  virtual ~Clock() = default;

  /// Never goes back.
  virtual Time now() const = 0;

  /// Blocks until `wake` is notified, `stop` is requested or `until` is reached; may return early for
  /// no reason, so callers loop. `lock` is held on entry and on return.
  virtual void wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, const std::stop_token& stop,
                    std::optional<Time> until) = 0;

  /// The same for a thread that waits for descriptors: epoll_wait() on `poller` until something happens, `until` is
  /// reached, or, by the machine's time, `at_most` has gone by. Returns how many events there are, and may return
  /// none early. EINTR is none.
  virtual int wait_for_events(int poller, std::span<epoll_event> events, std::optional<Time> until,
                              std::optional<Duration> at_most) = 0;

  /// The monotonic clock of the machine. Never destroyed.
  static Clock& steady();
};

/// The cancel token and the deadline of a call, and the clock that the deadline is read from.
class SCABBARD_API Context {
 public:
  /// Never ends.
  Context() = default;

  /// A copy that ends at `deadline`, or at this context's own where that is earlier.
  Context with_deadline(Clock::Time deadline) const;
  /// The same, counted from now; a timeout that reaches past the end of time is none.
  Context with_timeout(Clock::Duration timeout) const;
  /// A copy that is cancelled by `token` (in place of the token it had).
  Context with_cancel(std::stop_token token) const;
  /// A copy that reads `clock`, which must outlive it.
  Context with_clock(Clock& clock) const;

  /// Whose time the deadline is in.
  Clock& clock() const { return *clock_; }
  /// The moment, by this context's clock.
  Clock::Time now() const { return clock_->now(); }
  /// Empty where there is none.
  std::optional<Clock::Time> deadline() const { return deadline_; }
  /// Requested to stop once the call is cancelled.
  const std::stop_token& cancel_token() const { return cancel_; }

  /// kCancelled or kDeadlineExceeded once the context has ended, nothing before.
  std::optional<ErrorCode> ended() const;

  /// The same as an error that names what was being done.
  Result<void> check(std::string_view operation) const;

  /// Waits on `wake` until `ready()` holds; nothing then, the reason when the context ended first.
  /// `lock` is held whenever `ready` is called.
  template <class Ready>
  std::optional<ErrorCode> wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake,
                                Ready ready) const {
    while (!ready()) {
      if (auto reason = ended()) return reason;
      clock_->wait(lock, wake, cancel_, deadline_);
    }
    return std::nullopt;
  }

 private:
  Clock* clock_ = &Clock::steady();
  std::optional<Clock::Time> deadline_;
  std::stop_token cancel_;
};

}  // namespace scabbard
