#include "scabbard/context.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"

namespace scabbard {
namespace {

using namespace std::chrono_literals;

TEST(ContextTest, Default_context_never_ends) { EXPECT_FALSE(Context().ended()); }

TEST(ContextTest, Ends_when_its_deadline_passes) {
  ManualClock clock;
  Context ctx = Context().with_clock(clock).with_timeout(10s);
  clock.advance(9s);
  EXPECT_FALSE(ctx.ended());
  clock.advance(1s);
  EXPECT_EQ(ctx.ended(), ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(ctx.check("stat"), FailsSaying(ErrorCode::kDeadlineExceeded, "stat"));
}

TEST(ContextTest, Earlier_deadline_wins) {
  ManualClock clock;
  Context ctx = Context().with_clock(clock).with_timeout(1s).with_timeout(10s);
  clock.advance(1s);
  EXPECT_TRUE(ctx.ended());
}

TEST(ContextTest, Timeout_past_the_end_of_time_is_none) {
  EXPECT_FALSE(Context().with_timeout(Clock::Duration::max()).deadline());
}

TEST(ContextTest, Cancellation_comes_before_the_deadline) {
  std::stop_source cancel;
  Context ctx = Context().with_timeout(0s).with_cancel(cancel.get_token());
  cancel.request_stop();
  EXPECT_EQ(ctx.ended(), ErrorCode::kCancelled);
}

TEST(ContextTest, Wait_ends_when_it_is_cancelled_from_another_thread) {
  std::stop_source cancel;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread other([&] { cancel.request_stop(); });
  std::unique_lock lock(mutex);
  EXPECT_EQ(Context().with_cancel(cancel.get_token()).wait(lock, wake, [] { return false; }), ErrorCode::kCancelled);
}

TEST(ContextTest, Wait_ends_when_the_clock_reaches_the_deadline) {
  ManualClock clock;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread other([&] {
    clock.wait_for_waiters(1);
    clock.advance(5s);
  });
  std::unique_lock lock(mutex);
  auto reason = Context().with_clock(clock).with_timeout(5s).wait(lock, wake, [] { return false; });
  EXPECT_EQ(reason, ErrorCode::kDeadlineExceeded);
}

TEST(ContextTest, Wait_ends_when_it_is_ready) {
  std::mutex mutex;
  std::condition_variable_any wake;
  bool ready = false;
  std::jthread other([&] {
    std::lock_guard lock(mutex);
    ready = true;
    wake.notify_all();
  });
  std::unique_lock lock(mutex);
  EXPECT_EQ(Context().with_timeout(1min).wait(lock, wake, [&] { return ready; }), std::nullopt);
}

TEST(ErrorTest, Every_code_has_a_name) {
  for (int code = 1; code <= 17; ++code) EXPECT_NE(to_string(static_cast<ErrorCode>(code)), "unknown") << code;
  EXPECT_EQ(to_string(static_cast<ErrorCode>(18)), "unknown");
}

}  // namespace
}  // namespace scabbard
