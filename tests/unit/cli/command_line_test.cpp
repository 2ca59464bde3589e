// Help, the manual page and completion are made from these definitions: they have to be there, and of one style.
#include "cli/command_line.hpp"

#include <gmock/gmock.h>

#include <cctype>

#include "cli/exit_status.hpp"

namespace scabbard::cli {
namespace {

using ::testing::ElementsAre;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() { define_command_line(app_, session_); }

  static std::vector<CLI::App*> commands_of(CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
  }

  static void expect_explained(const std::string& description, const std::string& what) {
    ASSERT_FALSE(description.empty()) << what;
    EXPECT_FALSE(std::islower(static_cast<unsigned char>(description.front()))) << what;
    EXPECT_NE(description.back(), '.') << what;
  }

  Session session_;
  CLI::App app_{"", "scabbard"};
};

TEST_F(CommandLineTest, Has_these_commands) {
  std::vector<std::string> verbs;
  for (const CLI::App* command : commands_of(app_)) verbs.push_back(command->get_name());
  EXPECT_THAT(verbs, ElementsAre("init", "cp", "ls", "stat", "cat", "rm", "du", "verify", "sector", "plan", "warm",
                                 "processor", "version", "help"));
}

TEST_F(CommandLineTest, Every_command_and_option_is_explained) {
  for (CLI::App* command : commands_of(app_)) {
    expect_explained(command->get_description(), command->get_name());
    for (const CLI::Option* option : command->get_options()) {
      expect_explained(option->get_description(), command->get_name() + " " + option->get_name());
    }
    for (const CLI::App* subject : commands_of(*command))
      expect_explained(subject->get_description(), subject->get_name());
  }
}

TEST_F(CommandLineTest, Commands_take_the_options_of_all) {
  std::vector<CLI::App*> commands;
  for (CLI::App* command : commands_of(app_)) {
    if (command->get_name() == "help") continue;
    const auto inner = commands_of(*command);
    if (inner.empty()) commands.push_back(command);
    commands.insert(commands.end(), inner.begin(), inner.end());
  }
  for (CLI::App* command : commands) {
    for (const char* name : {"--json", "--quiet", "--config", "--help"}) {
      EXPECT_NE(command->get_option_no_throw(name), nullptr) << command->get_name() << " " << name;
    }
  }
}

TEST(ExitStatusTest, Is_that_of_the_kind_of_error) {
  const auto status = [](ErrorCode code) { return exit_status_of(fail(code, "").error()); };
  EXPECT_EQ(status(ErrorCode::kNotFound), ExitStatus::kObjectNotFound);
  EXPECT_EQ(status(ErrorCode::kInvalidPath), ExitStatus::kUsage);
  EXPECT_EQ(status(ErrorCode::kPermissionDenied), ExitStatus::kConfiguration);
  EXPECT_EQ(status(ErrorCode::kReadOnly), ExitStatus::kConfiguration);
  EXPECT_EQ(status(ErrorCode::kUnavailable), ExitStatus::kTemporary);
  EXPECT_EQ(status(ErrorCode::kChanged), ExitStatus::kTemporary);
  EXPECT_EQ(status(ErrorCode::kDeadlineExceeded), ExitStatus::kTemporary);
  EXPECT_EQ(status(ErrorCode::kCancelled), ExitStatus::kInterrupted);
  EXPECT_EQ(status(ErrorCode::kNoSpace), ExitStatus::kOther);
  EXPECT_EQ(exit_status_of({.code = ErrorCode::kInternal, .message = "", .retryable = true, .request_id = {}}),
            ExitStatus::kTemporary);
}

TEST(ExitStatusTest, Of_opening_a_store_tells_what_is_to_be_changed) {
  EXPECT_EQ(exit_status_of_opening(fail(ErrorCode::kNotFound, "").error()), ExitStatus::kStoreNotFound);
  EXPECT_EQ(exit_status_of_opening(fail(ErrorCode::kUnsupported, "").error()), ExitStatus::kConfiguration);
  EXPECT_EQ(exit_status_of_opening(fail(ErrorCode::kUnavailable, "").error()), ExitStatus::kTemporary);
}

}  // namespace
}  // namespace scabbard::cli
