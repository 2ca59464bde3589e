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

TEST(LogDeathTest, Program_may_have_a_default_of_its_own) {
  const auto log_by_default = [](const char* setting) {
    ::unsetenv("SCABBARD_LOG");
    log::set_default(setting);
    log::warn("a line");
    std::exit(0);
  };
  EXPECT_EXIT(log_by_default("warn,json"), ::testing::ExitedWithCode(0),
              ::testing::HasSubstr(R"("message":"a line"})"));
  EXPECT_EXIT(log_by_default("error"), ::testing::ExitedWithCode(0), ::testing::Not(::testing::HasSubstr("line")));
  const auto log_over_a_default = [] {
    log::set_default("error");
    log_as("debug");
  };
  EXPECT_EXIT(log_over_a_default(), ::testing::ExitedWithCode(0), "a debug line");
}

TEST(LogDeathTest, Line_may_begin_with_what_wipes_another) {
  const auto log_over_a_bar = [] {
    log::begin_lines_with("\r\x1b[K");
    log_as("warn");
  };
  EXPECT_EXIT(log_over_a_bar(), ::testing::ExitedWithCode(0), ::testing::StartsWith("\r\x1b[K2"));
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
