#include "base/log.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace scabbard {
namespace {

// The setting is read once in a process: each case has a process of its own, as a death test, which gives
// stderr to match too.
void log_as(const char* setting) {
  ::setenv("SCABBARD_LOG", setting, 1);
  log::debug("a debug line");
  log::warn("a \"warn\" line, token=hunter2");
  std::exit(0);
}

using LogDeathTest = ::testing::Test;

TEST(LogDeathTest, Default_level_is_warn) {
  EXPECT_EXIT(log_as(""), ::testing::ExitedWithCode(0),
              ::testing::AllOf(::testing::HasSubstr("warn"), ::testing::Not(::testing::HasSubstr("debug"))));
}

TEST(LogDeathTest, Level_is_set_by_environment) {
  EXPECT_EXIT(log_as("debug"), ::testing::ExitedWithCode(0), "a debug line");
  EXPECT_EXIT(log_as("off"), ::testing::ExitedWithCode(0), ::testing::Not(::testing::HasSubstr("line")));
}

TEST(LogDeathTest, Secrets_are_taken_out) {
  EXPECT_EXIT(log_as("warn"), ::testing::ExitedWithCode(0), ::testing::Not(::testing::HasSubstr("hunter2")));
}

TEST(LogDeathTest, Json_lines_are_json) {
  EXPECT_EXIT(log_as("warn,json"), ::testing::ExitedWithCode(0),
              ::testing::HasSubstr(R"("level":"warning","message":"a \"warn\" line, token=***"})"));
}

TEST(LogDeathTest, Unknown_level_is_said_and_taken_as_warn) {
  EXPECT_EXIT(log_as("loud"), ::testing::ExitedWithCode(0), "SCABBARD_LOG must be a level");
}

}  // namespace
}  // namespace scabbard
