#include "extproc/turns.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "support/result_matchers.hpp"

namespace scabbard::extproc {
namespace {

TEST(TurnsTest, What_is_taken_is_missing_until_it_is_given_back) {
  const Context soon = Context().with_timeout(std::chrono::milliseconds(1));
  Turns turns(10);
  Turn heavy(turns, 7);
  Turn light(turns, 3);
  Turn other(turns, 4);
  EXPECT_THAT(heavy.take({}), Succeeds());
  EXPECT_THAT(light.take({}), Succeeds());
  EXPECT_THAT(other.take(soon), FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_TRUE(light.give_back());
  EXPECT_THAT(other.take(soon), FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_TRUE(heavy.give_back());
  EXPECT_THAT(other.take({}), Succeeds());
  EXPECT_FALSE(heavy.give_back());
}

}  // namespace
}  // namespace scabbard::extproc
