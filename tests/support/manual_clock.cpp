#include "support/manual_clock.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace scabbard {
namespace {
constexpr auto kPatience = std::chrono::minutes(1);
}

Clock::Time ManualClock::now() const {
  std::lock_guard guard(mutex_);
  return now_;
}

// The caller's mutex is held from here until wake.wait() lets go of it, and advance() notifies under that
// mutex: so advance() either comes before and the new time is seen, or finds this thread asleep.
void ManualClock::wait(std::unique_lock<std::mutex>& lock, std::condition_variable_any& wake,
                       const std::stop_token& stop, std::optional<Time> until) {
  std::list<Waiter>::iterator self;
  {
    std::lock_guard guard(mutex_);
    if (until && now_ >= *until) return;
    self = waiters_.insert(waiters_.end(), Waiter{.mutex = lock.mutex(), .wake = &wake, .until = until});
    changed_.notify_all();
  }
  bool asleep = false;  // the predicate is asked once before and then after every notification
  wake.wait(lock, stop, [&] { return std::exchange(asleep, true); });

  std::unique_lock guard(mutex_);
  if (self->notifiers > 0) {
    // advance() wants, or holds, the mutex that this thread holds: step back until it is done with us.
    guard.unlock();
    lock.unlock();
    guard.lock();
    changed_.wait(guard, [&] { return self->notifiers == 0; });
    waiters_.erase(self);
    changed_.notify_all();
    guard.unlock();
    lock.lock();
    return;
  }
  waiters_.erase(self);
  changed_.notify_all();
}

void ManualClock::advance(Duration by) {
  std::unique_lock guard(mutex_);
  now_ += by;
  std::vector<std::list<Waiter>::iterator> due;
  for (auto waiter = waiters_.begin(); waiter != waiters_.end(); ++waiter) {
    if (!waiter->until || now_ < *waiter->until) continue;
    ++waiter->notifiers;
    due.push_back(waiter);
  }
  for (const auto& waiter : due) {
    guard.unlock();
    {
      std::lock_guard theirs(*waiter->mutex);
      waiter->wake->notify_all();
    }
    guard.lock();
    --waiter->notifiers;
    changed_.notify_all();
  }
}

bool ManualClock::wait_for_waiters(std::size_t count) {
  std::unique_lock guard(mutex_);
  return changed_.wait_for(guard, kPatience, [&] { return waiters_.size() >= count; });
}

bool ManualClock::wait_for_no_waiters() {
  std::unique_lock guard(mutex_);
  return changed_.wait_for(guard, kPatience, [&] { return waiters_.empty(); });
}

}  // namespace scabbard
