// The clock that tests move by hand loses no wake-up.
#include "support/manual_clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace scabbard {
namespace {

using namespace std::chrono_literals;

struct Waiter {
  std::mutex mutex;
  std::condition_variable_any wake;
  bool ready = false;

  std::optional<ErrorCode> wait(const Context& ctx) {
    std::unique_lock lock(mutex);
    return ctx.wait(lock, wake, [&] { return ready; });
  }
};

TEST(ManualClock, Stands_still_until_it_is_moved) {
  ManualClock clock;
  const auto before = clock.now();
  EXPECT_EQ(clock.now(), before);
  clock.advance(5s);
  EXPECT_EQ(clock.now(), before + 5s);
}

TEST(ManualClock, Deadline_wakes_its_waiter_and_no_other) {
  ManualClock clock;
  Waiter early;
  Waiter late;
  std::optional<ErrorCode> early_end;
  std::optional<ErrorCode> late_end;
  std::jthread first([&] { early_end = early.wait(Context().with_clock(clock).with_timeout(1s)); });
  std::jthread second([&] { late_end = late.wait(Context().with_clock(clock).with_timeout(10s)); });
  ASSERT_TRUE(clock.wait_for_waiters(2));
  clock.advance(5s);
  first.join();
  EXPECT_EQ(early_end, ErrorCode::kDeadlineExceeded);
  ASSERT_TRUE(clock.wait_for_waiters(1));
  clock.advance(5s);
  second.join();
  EXPECT_EQ(late_end, ErrorCode::kDeadlineExceeded);
}

TEST(ManualClock, Notification_and_cancellation_end_a_wait) {
  ManualClock clock;
  Waiter notified;
  Waiter cancelled;
  std::stop_source cancel;
  std::optional<ErrorCode> notified_end = ErrorCode::kInternal;
  std::optional<ErrorCode> cancelled_end;
  std::jthread first([&] { notified_end = notified.wait(Context().with_clock(clock).with_timeout(1h)); });
  std::jthread second(
      [&] { cancelled_end = cancelled.wait(Context().with_clock(clock).with_cancel(cancel.get_token())); });
  ASSERT_TRUE(clock.wait_for_waiters(2));
  {
    std::lock_guard lock(notified.mutex);
    notified.ready = true;
  }
  notified.wake.notify_all();
  cancel.request_stop();
  first.join();
  second.join();
  EXPECT_EQ(notified_end, std::nullopt);
  EXPECT_EQ(cancelled_end, ErrorCode::kCancelled);
  EXPECT_TRUE(clock.wait_for_no_waiters());
}

// Waiters that come, time out and come again while the clock is moved from several threads.
TEST(ManualClock, No_wake_up_is_lost_in_a_crowd) {
  ManualClock clock;
  constexpr int kWaiters = 8;
  constexpr int kRounds = 200;
  std::atomic<int> left = kWaiters;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kWaiters; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        Waiter waiter;  // its mutex does not outlive the round
        EXPECT_EQ(waiter.wait(Context().with_clock(clock).with_timeout(1s)), ErrorCode::kDeadlineExceeded);
      }
      --left;
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (left > 0) clock.advance(100ms);
    });
  }
}

}  // namespace
}  // namespace scabbard
