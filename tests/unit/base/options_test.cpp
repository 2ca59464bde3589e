#include "base/options.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace scabbard {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(OptionsTest, Defaults_stand_in_for_what_is_not_given) {
  auto options = value_of(Options::parse("file", {}));
  EXPECT_EQ(options.duration("Timeout"), 2min);
  EXPECT_EQ(options.text("Guard"), "auto");
}

TEST(OptionsTest, Names_are_taken_in_every_spelling) {
  for (const char* name : {"Timeout", "timeout", "TIMEOUT", "time_out", "time-out"}) {
    EXPECT_EQ(value_of(Options::parse("file", {{name, "3s"}})).duration("Timeout"), 3s) << name;
  }
}

TEST(OptionsTest, Unknown_name_is_refused_with_the_nearest_known) {
  EXPECT_THAT(Options::parse("file", {{"Timeot", "3s"}}),
              FailsSaying(ErrorCode::kInvalidArgument, "did you mean Timeout?"));
  EXPECT_THAT(Options::parse("file", {{"Frobnicate", "3s"}}),
              FailsSaying(ErrorCode::kInvalidArgument, "scabbard help options"));
}

TEST(OptionsTest, Option_given_in_two_spellings_is_refused) {
  EXPECT_THAT(Options::parse("file", {{"Timeout", "3s"}, {"time_out", "4s"}}),
              FailsSaying(ErrorCode::kInvalidArgument, "twice"));
}

TEST(OptionsTest, Wrong_value_is_refused_and_not_repeated) {
  auto result = Options::parse("file", {{"Timeout", "hunter2"}});
  EXPECT_THAT(result, FailsSaying(ErrorCode::kInvalidArgument, "Timeout"));
  EXPECT_THAT(result.error().message, Not(HasSubstr("hunter2")));
  EXPECT_THAT(Options::parse("file", {{"Guard", "maybe"}}),
              FailsSaying(ErrorCode::kInvalidArgument, "auto|always|never"));
}

TEST(OptionsTest, Page_and_help_name_every_option) {
  for (const OptionSpec& spec : option_table()) {
    EXPECT_THAT(options_page(), HasSubstr(std::string(spec.name)));
    EXPECT_THAT(describe_options(), HasSubstr(std::string(spec.help)));
  }
}

TEST(ParseSizeTest, Takes_bytes_and_units) {
  EXPECT_THAT(parse_size("0"), Gives(0U));
  EXPECT_THAT(parse_size("4096"), Gives(4096U));
  EXPECT_THAT(parse_size("64KiB"), Gives(65536U));
  EXPECT_THAT(parse_size(" 1.5 GiB "), Gives(1610612736U));
  EXPECT_THAT(parse_size("2TB"), Gives(2000000000000U));
  EXPECT_THAT(parse_size("16m"), Gives(16777216U));
}

TEST(ParseSizeTest, Refuses_everything_else) {
  for (const char* text : {"", "parrots", "12 parrots", "-1", "1e3", "0x10", "1..2", "99999999999PiB", "nan", "MiB"}) {
    EXPECT_THAT(parse_size(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ParseDurationTest, Takes_units_and_sums_of_them) {
  EXPECT_THAT(parse_duration("250ms"), Gives(250ms));
  EXPECT_THAT(parse_duration("1h30m"), Gives(90min));
  EXPECT_THAT(parse_duration("2 m"), Gives(2min));
}

TEST(ParseDurationTest, Refuses_everything_else) {
  for (const char* text : {"", "30", "0s", "-1s", "forever", "1s2", "99999999h", "s"}) {
    EXPECT_THAT(parse_duration(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace scabbard
