// Command lines that are wrong: status 2, nothing done, and a message that helps.
#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::HasSubstr;

using UsageTest = CommandTest;

TEST_F(UsageTest, No_command_is_wrong) {
  const Outcome outcome = run({});
  EXPECT_THAT(outcome, Fails(2, "a command is missing"));
  EXPECT_THAT(outcome.err, HasSubstr("See `scabbard help`."));
}

TEST_F(UsageTest, Typo_in_a_command_names_the_nearest_one) {
  EXPECT_THAT(run({"stta", "a"}), Fails(2, R"(command "stta" is not known; did you mean stat?)"));
  EXPECT_THAT(run({"cpp", "-r", "a", "b"}), Fails(2, "did you mean cp?"));
  EXPECT_THAT(run({"incinerate"}), Fails(2, "command \"incinerate\" is not known\n"));
}

TEST_F(UsageTest, Typo_in_an_option_names_the_nearest_one) {
  const Outcome outcome = run({"cp", "--recursiv", "a", "b"});
  EXPECT_THAT(outcome, Fails(2, R"(cp: option "--recursiv" is not known; did you mean --recursive?)"));
  EXPECT_THAT(outcome.err, HasSubstr("See `scabbard help cp`."));
  EXPECT_THAT(run({"--versoin"}), Fails(2, "did you mean --version?"));
  EXPECT_THAT(run({"help", "options", "--mardown"}), Fails(2, "did you mean --markdown?"));
}

TEST_F(UsageTest, Value_of_an_unknown_option_is_not_repeated) {
  const Outcome outcome = run({"init", "store", "--optoin=SecretKey=hunter2"});
  EXPECT_THAT(outcome, Fails(2, "did you mean --option?"));
  EXPECT_THAT(outcome.err, ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(UsageTest, Typo_in_a_subject_of_help_names_the_nearest_one) {
  EXPECT_THAT(run({"help", "exit-staus"}), Fails(2, "subject \"exit-staus\" is not known; did you mean exit-status?"));
}

TEST_F(UsageTest, Option_before_the_command_is_told_its_place) {
  EXPECT_THAT(run({"--json", "ls"}), Fails(2, "option --json goes after ls"));
}

TEST_F(UsageTest, Missing_argument_is_named) {
  for (const char* verb : {"cp", "stat", "cat", "rm"}) {
    EXPECT_THAT(run({verb}), Fails(2, "LOCATION is required")) << verb;
  }
  EXPECT_THAT(run({"init"}), Fails(2, "FOLDER is required"));
  EXPECT_THAT(run({"cp", "a"}), Fails(2, "LOCATION: At least 2 required"));
  EXPECT_THAT(run({"ls", "--config"}), Fails(2, "--config: 1 required FILE missing"));
}

TEST_F(UsageTest, One_argument_too_many_is_named) {
  EXPECT_THAT(run({"init", "a", "b"}), Fails(2, R"("b" is one argument too many)"));
  EXPECT_THAT(run({"version", "a"}), Fails(2, R"("a" is one argument too many)"));
}

TEST_F(UsageTest, Value_out_of_range_is_refused) {
  write("a", "text");
  for (const char* jobs : {"0", "65", "many"}) {
    EXPECT_THAT(run({"cp", "--jobs", jobs, "a", "b"}), Fails(2, "not in range 1 to 64")) << jobs;
  }
  EXPECT_FALSE(exists("b"));
}

TEST_F(UsageTest, Nothing_is_done_of_a_command_line_that_is_wrong) {
  write("a", "text");
  EXPECT_THAT(run({"rm", "a", "--dry-runn"}), EndsWith(2));
  EXPECT_TRUE(exists("a"));
}

}  // namespace
}  // namespace scabbard::cli
