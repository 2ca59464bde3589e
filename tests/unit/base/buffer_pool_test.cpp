#include "base/buffer_pool.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "support/byte_patterns.hpp"
#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"

namespace scabbard {
namespace {

using namespace std::chrono_literals;
using Use = BufferPool::Use;

constexpr std::size_t kCeiling = 12 * kMiB;  // of which 6 are for bulk

TEST(BufferPoolTest, Ticket_keeps_its_reservation_until_it_is_gone) {
  BufferPool pool(kCeiling);
  {
    auto ticket = value_of(pool.reserve({}, Use::kBulk, 3 * kMiB));
    auto buffer = value_of(ticket.take(2 * kMiB));
    EXPECT_EQ(buffer.bytes().size(), 2 * kMiB);
    EXPECT_EQ(pool.reserved(), 3 * kMiB);
  }
  EXPECT_EQ(pool.reserved(), 0U);
}

TEST(BufferPoolTest, Memory_is_used_again) {
  BufferPool pool(kCeiling);
  auto ticket = value_of(pool.reserve({}, Use::kBulk, 2 * kMiB));
  std::byte* first = value_of(ticket.take(kMiB)).bytes().data();
  EXPECT_EQ(value_of(ticket.take(kMiB)).bytes().data(), first);
}

TEST(BufferPoolTest, More_than_the_ceiling_is_refused_at_once) {
  BufferPool pool(kCeiling);
  EXPECT_THAT(pool.reserve({}, Use::kBulk, kCeiling), FailsSaying(ErrorCode::kInvalidArgument, "SCABBARD_MEMORY"));
}

TEST(BufferPoolTest, Reservation_that_does_not_fit_waits_until_its_deadline) {
  ManualClock clock;
  BufferPool pool(kCeiling);
  auto held = value_of(pool.reserve({}, Use::kBulk, 6 * kMiB));
  std::jthread mover([&] {
    clock.wait_for_waiters(1);
    clock.advance(5s);
  });
  EXPECT_THAT(pool.reserve(Context().with_clock(clock).with_timeout(5s), Use::kBulk, kMiB),
              FailsWith(ErrorCode::kDeadlineExceeded));
}

TEST(BufferPoolTest, Bulk_leaves_small_and_read_ahead_their_shares) {
  BufferPool pool(kCeiling);
  auto bulk = value_of(pool.reserve({}, Use::kBulk, 6 * kMiB));
  EXPECT_THAT(pool.reserve({}, Use::kSmall, 3 * kMiB), Succeeds());
  EXPECT_THAT(pool.reserve({}, Use::kReadAhead, 3 * kMiB), Succeeds());
  EXPECT_EQ(pool.limit(Use::kBulk), 6 * kMiB);
}

TEST(BufferPoolTest, Reservations_are_served_in_the_order_they_came) {
  ManualClock clock;
  BufferPool pool(kCeiling);
  auto held = std::make_unique<BufferPool::Ticket>(value_of(pool.reserve({}, Use::kBulk, 4 * kMiB)));
  std::atomic<int> served = 0;
  int large_came = 0;
  int small_came = 0;
  Context ctx = Context().with_clock(clock);
  std::jthread large([&] {
    auto ticket = pool.reserve(ctx, Use::kBulk, 5 * kMiB);
    large_came = ++served;
  });
  ASSERT_TRUE(clock.wait_for_waiters(1));
  std::jthread small([&] {  // would fit beside what is held, but has to wait for its turn
    auto ticket = pool.reserve(ctx, Use::kBulk, 2 * kMiB);
    small_came = ++served;
  });
  ASSERT_TRUE(clock.wait_for_waiters(2));
  EXPECT_EQ(served, 0);
  held.reset();
  large.join();
  small.join();
  EXPECT_EQ(large_came, 1);
  EXPECT_EQ(small_came, 2);
}

TEST(BufferPoolTest, One_that_gives_up_does_not_hold_up_the_next) {
  ManualClock clock;
  BufferPool pool(kCeiling);
  auto held = value_of(pool.reserve({}, Use::kBulk, 4 * kMiB));
  std::stop_source cancel;
  Context ctx = Context().with_clock(clock);
  std::jthread large([&] {
    EXPECT_THAT(pool.reserve(ctx.with_cancel(cancel.get_token()), Use::kBulk, 5 * kMiB),
                FailsWith(ErrorCode::kCancelled));
  });
  ASSERT_TRUE(clock.wait_for_waiters(1));
  std::jthread small([&] { EXPECT_THAT(pool.reserve(ctx, Use::kBulk, 2 * kMiB), Succeeds()); });
  ASSERT_TRUE(clock.wait_for_waiters(2));
  cancel.request_stop();
}

}  // namespace
}  // namespace scabbard
