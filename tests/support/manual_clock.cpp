#include "support/manual_clock.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace scabbard {
namespace {
constexpr auto kPatience = std::chrono::minutes(1);
// What is left of the machine's time before something happens by itself: libcurl's time limits are longer.
constexpr auto kSoon = std::chrono::seconds(1);

bool is_ready(int descriptor) {
  pollfd one{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, 0) != 0;
}
}  // namespace

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
    note_change();
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
    note_change();
    guard.unlock();
    lock.lock();
    return;
  }
  waiters_.erase(self);
  note_change();
}

int ManualClock::wait_for_events(int poller, std::span<epoll_event> events, std::optional<Time> until,
                                 std::optional<Duration> at_most) {
  std::list<Poller>::iterator self;
  {
    std::lock_guard guard(mutex_);
    const bool due = until && now_ >= *until;
    self = pollers_.insert(pollers_.end(), Poller{.wake = ::eventfd(due ? 1 : 0, EFD_CLOEXEC),
                                                  .descriptor = poller,
                                                  .until = until,
                                                  .leaves_soon = at_most && *at_most < kSoon});
    note_change();
  }
  std::array<pollfd, 2> descriptors = {pollfd{.fd = poller, .events = POLLIN, .revents = 0},
                                       pollfd{.fd = self->wake, .events = POLLIN, .revents = 0}};
  int timeout = -1;
  if (at_most) timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*at_most).count());
  ::poll(descriptors.data(), descriptors.size(), std::max(timeout, at_most ? 0 : -1));
  {
    std::lock_guard guard(mutex_);
    ::close(self->wake);
    pollers_.erase(self);
    note_change();
  }
  return std::max(0, ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 0));
}

std::optional<Clock::Time> ManualClock::next_event_deadline() const {
  std::lock_guard guard(mutex_);
  std::optional<Time> next;
  for (const Poller& poller : pollers_) {
    if (poller.until && (!next || *poller.until < *next)) next = poller.until;
  }
  return next;
}

std::optional<Clock::Time> ManualClock::next_deadline() const {
  std::optional<Time> next = next_event_deadline();
  std::lock_guard guard(mutex_);
  for (const Waiter& waiter : waiters_) {
    if (waiter.until && (!next || *waiter.until < *next)) next = waiter.until;
  }
  return next;
}

void ManualClock::note_change() {
  ++changes_;
  changed_.notify_all();
}

std::optional<std::uint64_t> ManualClock::wait_until_all_wait(const std::stop_token& stop, std::size_t threads) const {
  std::unique_lock guard(mutex_);
  if (!changed_.wait(guard, stop, [&] { return waiters_.size() + pollers_.size() >= threads; })) return std::nullopt;
  return changes_;
}

void ManualClock::wait_for_change(const std::stop_token& stop, std::uint64_t changes) const {
  std::unique_lock guard(mutex_);
  changed_.wait(guard, stop, [&] { return changes_ != changes; });
}

bool ManualClock::stands_still(std::uint64_t changes) const {
  std::lock_guard guard(mutex_);
  const auto is_due = [this](const auto& one) { return one.until && *one.until <= now_; };
  return std::ranges::none_of(waiters_, is_due) && std::ranges::none_of(pollers_, is_due) &&
         std::ranges::none_of(pollers_,
                              [](const Poller& poller) { return poller.leaves_soon || is_ready(poller.descriptor); }) &&
         changes_ == changes;
}

void ManualClock::advance(Duration by) {
  std::unique_lock guard(mutex_);
  now_ += by;
  for (const Poller& poller : pollers_) {
    if (poller.until && now_ >= *poller.until) ::eventfd_write(poller.wake, 1);
  }
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
