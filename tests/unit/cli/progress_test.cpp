#include "cli/progress.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace scabbard::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::StartsWith;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

const Moment kHalf = {.done = {.objects = 1, .bytes = 16 * kGiB},
                      .total = Amount{.objects = 2, .bytes = 32 * kGiB},
                      .bytes_per_second = 1.0 * kGiB};

TEST(RateTest, Is_unknown_until_time_has_passed) {
  Rate rate;
  EXPECT_EQ(rate.per_second(), 0);
  rate.note(Clock::Time(1s), 100);
  EXPECT_EQ(rate.per_second(), 0);
}

TEST(RateTest, Is_that_of_the_last_ten_seconds) {
  Rate rate;
  rate.note(Clock::Time(0s), 0);
  rate.note(Clock::Time(1s), 1000);
  EXPECT_DOUBLE_EQ(rate.per_second(), 1000);
  for (int second = 2; second <= 30; ++second) rate.note(Clock::Time(std::chrono::seconds(second)), 1000);
  EXPECT_DOUBLE_EQ(rate.per_second(), 0);
}

TEST(RateTest, Is_known_where_samples_are_further_apart_than_the_window) {
  Rate rate;
  rate.note(Clock::Time(0s), 0);
  rate.note(Clock::Time(20s), 2000);
  rate.note(Clock::Time(40s), 6000);
  EXPECT_DOUBLE_EQ(rate.per_second(), 200);
}

TEST(ProgressLineTest, Says_how_much_how_fast_and_how_long_still) {
  EXPECT_EQ(progress_line(kHalf), "16.0 GiB of 32.0 GiB (50%), 1.0 GiB/s, 0:16 left, 1 of 2 objects");
}

TEST(ProgressLineTest, Of_one_object_does_not_count_objects) {
  Moment moment = kHalf;
  moment.total->objects = 1;
  EXPECT_EQ(progress_line(moment), "16.0 GiB of 32.0 GiB (50%), 1.0 GiB/s, 0:16 left");
}

TEST(ProgressLineTest, Guesses_nothing) {
  Moment moment = kHalf;
  moment.bytes_per_second = 0;
  EXPECT_EQ(progress_line(moment), "16.0 GiB of 32.0 GiB (50%), 0 B/s, 1 of 2 objects");
  moment.total.reset();
  EXPECT_EQ(progress_line(moment), "16.0 GiB, 0 B/s");
}

TEST(ProgressLineTest, Is_never_more_than_all) {
  Moment moment = kHalf;
  moment.done.bytes = 40 * kGiB;  // an object that was copied again after a failure
  EXPECT_THAT(progress_line(moment), StartsWith("40.0 GiB of 32.0 GiB (100%), 1.0 GiB/s, 0:00 left"));
  moment.total->bytes = 0;
  EXPECT_THAT(progress_line(moment), StartsWith("40.0 GiB of 0 B (100%)"));
}

TEST(ProgressBarTest, Is_filled_as_far_as_the_copy_is) {
  EXPECT_EQ(progress_bar(kHalf, 200), "[####################                    ] " + progress_line(kHalf));
}

TEST(ProgressBarTest, Fits_into_any_terminal) {
  for (std::size_t width = 0; width < 150; ++width) {
    EXPECT_LE(progress_bar(kHalf, width).size(), width) << width;
  }
  EXPECT_THAT(progress_bar(kHalf, 60), StartsWith("16.0 GiB of"));
  EXPECT_THAT(progress_bar(kHalf, 90), StartsWith("[#"));
}

TEST(ProgressBarTest, Has_no_bar_where_the_whole_is_not_known) {
  Moment moment = kHalf;
  moment.total.reset();
  EXPECT_EQ(progress_bar(moment, 200), progress_line(moment));
}

TEST(ProgressJsonTest, Has_what_is_known) {
  EXPECT_EQ(nlohmann::json::parse(progress_json(kHalf)),
            nlohmann::json::parse(R"({"progress":{"bytes":17179869184,"objects":1,"total_bytes":34359738368,
              "total_objects":2,"bytes_per_second":1073741824,"seconds_left":16}})"));
  EXPECT_EQ(progress_json({.done = {.objects = 0, .bytes = 5}, .total = {}}),
            R"({"progress":{"bytes":5,"objects":0,"bytes_per_second":0}})");
}

TEST(ProgressTest, Ends_at_once_and_twice) {
  for (auto style : {Progress::Style::kNone, Progress::Style::kLines, Progress::Style::kJson}) {
    ::testing::internal::CaptureStderr();
    Progress progress(style, std::nullopt);
    *progress.bytes() += 1;
    progress.finished_object();
    progress.stop();
    progress.stop();
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  }
}

}  // namespace
}  // namespace scabbard::cli
