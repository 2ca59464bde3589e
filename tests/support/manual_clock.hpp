// A clock that stands still until a test moves it: time limits are tested without waiting for them.
//
// Safe from any thread. The clock must outlive every wait on it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <span>

#include "scabbard/context.hpp"

namespace scabbard {

class ManualClock final : public Clock {
 public:
  Time now() const override;
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake, const std::stop_token& stop,
            std::optional<Time> until) override;

  int wait_for_events(int poller, std::span<epoll_event> events, std::optional<Time> until,
                      std::optional<Duration> at_most) override;

  /// The nearest moment that one of those in wait_for_events() waits for; nothing where none of them does.
  std::optional<Time> next_event_deadline() const;

  /// The same, of those in wait() too.
  std::optional<Time> next_deadline() const;

  /// Blocks until `threads` of them are in wait() and wait_for_events(), and returns a number that is another one as
  /// soon as one has left; nothing once `stop` is requested.
  std::optional<std::uint64_t> wait_until_all_wait(const std::stop_token& stop, std::size_t threads) const;
  /// Blocks until that number is another one, or `stop` is requested.
  void wait_for_change(const std::stop_token& stop, std::uint64_t changes) const;
  /// Nobody has left since, and nobody has anything to leave for now: no descriptor is ready, no time has come.
  bool stands_still(std::uint64_t changes) const;

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

  void note_change();  // with the mutex held

  // A thread in wait_for_events().
  struct Poller {
    int wake;  // eventfd
    int descriptor;
    std::optional<Time> until;
    bool leaves_soon;  // by the machine's time
  };

  mutable std::mutex mutex_;
  std::list<Poller> pollers_;
  // waiters_, pollers_ or the notifiers of one have changed
  mutable std::condition_variable_any changed_;
  std::uint64_t changes_ = 0;
  // Not zero, so that a deadline some seconds ago can be expressed.
  Time now_ = Time(std::chrono::hours(1));
  std::list<Waiter> waiters_;
};

}  // namespace scabbard
