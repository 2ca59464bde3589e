#include "extproc/patience.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"

namespace scabbard::extproc {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Error down() {
  return {.code = ErrorCode::kUnavailable, .message = "connection refused", .retryable = true, .request_id = {}};
}

class PatienceTest : public ::testing::Test {
 protected:
  /// Calls what fails until `mended`, on a thread of its own, and gives what came of it.
  Result<void> wait(Clock::Duration limit, const std::function<Result<void>()>& once) {
    Result<void> result;
    std::atomic<bool> done = false;
    const std::jthread waiter([&](const std::stop_token& stop) {
      Turn turn(turns_);
      EXPECT_THAT(turn.take(ctx_), Succeeds());
      Patience patience(ctx_, limit, [this](const std::string& line) { told_.push_back(line); }, turn);
      result = patience("the transfer", once);
      done = true;
      // Somebody waits for the clock all the time.
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      std::ignore = ctx_.with_cancel(stop).wait(lock, never, [] { return false; });
    });
    while (!done) {
      const auto seen = clock_.wait_until_all_wait({}, 1);
      const auto next = clock_.next_deadline();
      if (next && clock_.stands_still(*seen)) clock_.advance(*next - clock_.now());
    }
    return result;
  }

  ManualClock clock_;
  const Context ctx_ = Context().with_clock(clock_);
  Turns turns_{1};
  std::vector<std::string> told_;
};

TEST_F(PatienceTest, What_mends_itself_is_done_in_the_end_and_told_of_each_minute) {
  int calls = 0;
  const auto begun = clock_.now();
  EXPECT_THAT(wait(6h,
                   [&]() -> Result<void> {
                     ++calls;
                     if (clock_.now() - begun < 5min) return fail(down());
                     return {};
                   }),
              Succeeds());
  ASSERT_THAT(told_.size(), ::testing::AllOf(::testing::Ge(5U), ::testing::Le(6U)));
  EXPECT_THAT(told_.front(), HasSubstr("the transfer waits, for 0:00 now and 6:00:00 at most: connection refused"));
  // Not more often than each half minute, once it takes long.
  EXPECT_LT(calls, 30);
}

TEST_F(PatienceTest, It_ends_and_says_how_long_it_was) {
  EXPECT_THAT(wait(70s, [&]() -> Result<void> { return fail(down()); }),
              FailsSaying(ErrorCode::kUnavailable, "given up after 1:1"));
}

TEST_F(PatienceTest, What_does_not_mend_itself_is_an_error_at_once) {
  for (const ErrorCode code : {ErrorCode::kNotFound, ErrorCode::kChanged, ErrorCode::kInvalidPath, ErrorCode::kReadOnly,
                               ErrorCode::kCorrupt, ErrorCode::kPermissionDenied}) {
    int calls = 0;
    EXPECT_THAT(wait(6h,
                     [&]() -> Result<void> {
                       ++calls;
                       return fail(code, "no");
                     }),
                FailsWith(code));
    EXPECT_EQ(calls, 1);
  }
  EXPECT_THAT(told_, ::testing::IsEmpty());
}

TEST(MendsItself, Takes_in_what_somebody_has_to_see_to) {
  const auto error = [](ErrorCode code, bool retryable) {
    return Error{.code = code, .message = {}, .retryable = retryable, .request_id = {}};
  };
  EXPECT_TRUE(mends_itself(error(ErrorCode::kNoSpace, false)));
  EXPECT_TRUE(mends_itself(error(ErrorCode::kUnavailable, false)));      // a bucket that is missing
  EXPECT_TRUE(mends_itself(error(ErrorCode::kPermissionDenied, true)));  // credentials that have expired
  EXPECT_FALSE(mends_itself(error(ErrorCode::kPermissionDenied, false)));
  EXPECT_FALSE(mends_itself(error(ErrorCode::kChanged, true)));
}

// Of one turn, another task has it while the first one waits.
TEST_F(PatienceTest, While_one_waits_others_have_their_turn) {
  std::atomic<bool> other_done = false;
  std::jthread other;
  EXPECT_THAT(wait(6h,
                   [&]() -> Result<void> {
                     if (other_done) return {};
                     if (!other.joinable()) {
                       other = std::jthread([&] {
                         Turn turn(turns_);
                         EXPECT_THAT(turn.take(ctx_), Succeeds());
                         other_done = true;
                       });
                     }
                     return fail(down());
                   }),
              Succeeds());
}

TEST_F(PatienceTest, Turn_is_not_waited_for_when_the_context_ends) {
  Turn held(turns_);
  ASSERT_THAT(held.take(ctx_), Succeeds());
  std::stop_source stop;
  stop.request_stop();
  Turn other(turns_);
  EXPECT_THAT(other.take(ctx_.with_cancel(stop.get_token())), FailsWith(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace scabbard::extproc
