#include "base/quantities.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace scabbard {
namespace {

using namespace std::chrono_literals;

TEST(QuantitiesTest, Sizes_have_the_unit_that_keeps_them_short) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1024), "1.0 KiB");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size(std::uint64_t{32} << 30), "32.0 GiB");
  EXPECT_EQ(human_size(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(QuantitiesTest, Size_is_never_rounded_up_to_1024_of_a_unit) {
  EXPECT_EQ(human_size((std::uint64_t{1} << 20) - 1), "1.0 MiB");
  EXPECT_EQ(human_size(1024 * 1023), "1023.0 KiB");
}

TEST(QuantitiesTest, Durations_are_to_the_second) {
  EXPECT_EQ(human_duration(0s), "0:00");
  EXPECT_EQ(human_duration(7s), "0:07");
  EXPECT_EQ(human_duration(754s), "12:34");
  EXPECT_EQ(human_duration(3599s), "59:59");
  EXPECT_EQ(human_duration(3h), "3:00:00");
  EXPECT_EQ(human_duration(100h + 5s), "100:00:05");
}

TEST(QuantitiesTest, Times_are_in_UTC_wherever_they_are_asked_for) {
  EXPECT_EQ(utc_time({}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_time(std::chrono::sys_days{std::chrono::year{2026} / 11 / 25} + 8h + 900ms), "2026-11-25T08:00:00Z");
}

}  // namespace
}  // namespace scabbard
