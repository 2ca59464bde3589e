// A clock that stands still until a test moves it: time limits are tested without waiting for them.
//
// Safe from any thread. The clock must outlive every wait on it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>

#include "scabbard/context.hpp"

namespace scabbard {

class ManualClock final : public Clock {
 public:
  Time now() const override;
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, const std::stop_token& stop,
            std::optional<Time> until) override;

  /// Moves time and wakes every waiter whose time has come. On return all of them have been notified;
  /// none can miss it, because each is notified under the mutex that it waits with. The caller holds no
  /// mutex that somebody waits with.
  void advance(Duration by);

  /// Blocks until at least `count` threads are inside wait(). A thread that counts here sees every later
  /// advance(). Fails (false) after a minute of real time, so that a broken test ends.
  bool wait_for_waiters(std::size_t count);

  /// Likewise until nobody waits any more.
  bool wait_for_no_waiters();

 private:
  struct Waiter {
    std::mutex* mutex;
    std::condition_variable_any* wake;
    std::optional<Time> until;
    int notifiers = 0;  // advance()s that are about to wake it: it stays in the list for them
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // waiters_ or the notifiers of one have changed
  // Not zero, so that a deadline some seconds ago can be expressed.
  Time now_ = Time(std::chrono::hours(1));
  std::list<Waiter> waiters_;
};

}  // namespace scabbard
