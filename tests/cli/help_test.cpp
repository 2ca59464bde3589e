// What the executable says of itself: help, version, manual page, completion.
#include <regex>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HelpTest : public CommandTest {
 protected:
  // "--recursive" and others, from the page of a command; help itself has none.
  std::set<std::string> options_of(std::string_view verb) const {
    std::set<std::string> options;
    if (verb == "help") return options;
    const std::string page = out_of({"help", std::string(verb)});
    const std::regex option("--[a-z-]+");
    for (std::sregex_iterator found(page.begin(), page.end(), option), end; found != end; ++found)
      options.insert(found->str());
    return options;
  }

  std::string completed(const std::string& words, int at) const {
    const std::string script = "source <(\"$0\" help completion bash); COMP_WORDS=(" + words +
                               "); COMP_CWORD=" + std::to_string(at) + "; _scabbard; echo \"${COMPREPLY[*]}\"";
    std::string output;
    const RunningChild bash = scabbard::start({"/bin/bash", "-c", script, SCABBARD_EXECUTABLE});
    while (read_more(bash, output)) {
    }
    EXPECT_EQ(wait_for(bash).exit_code, 0);
    return output;
  }
};

TEST_F(HelpTest, Overview_has_every_command_and_says_where_to_read_on) {
  const std::string overview = out_of({"help"});
  for (std::string_view verb : kVerbs) EXPECT_THAT(overview, HasSubstr("\n  " + std::string(verb) + " "));
  EXPECT_THAT(overview, HasSubstr("scabbard help COMMAND"));
  EXPECT_EQ(out_of({"--help"}), overview);
}

TEST_F(HelpTest, Every_command_has_a_page_and_explains_the_options_that_all_take) {
  for (std::string_view verb : kVerbs) {
    if (verb == "help") continue;
    EXPECT_THAT(out_of({"help", std::string(verb)}),
                AllOf(HasSubstr("--json"), HasSubstr("--quiet"), HasSubstr("--stats"), HasSubstr("--config")))
        << verb;
  }
}

TEST_F(HelpTest, Exit_statuses_are_listed) {
  const std::string page = out_of({"help", "exit-status"});
  for (const char* status : {"0", "1", "2", "3", "4", "5", "7", "130"}) {
    EXPECT_THAT(page, HasSubstr(" " + std::string(status) + "  ")) << status;
  }
}

TEST_F(HelpTest, Store_options_are_listed) { EXPECT_THAT(out_of({"help", "options"}), HasSubstr("Timeout")); }

TEST_F(HelpTest, Version_is_that_of_the_build_in_two_ways_of_asking) {
  const std::string version = out_of({"version"});
  EXPECT_TRUE(std::regex_match(version, std::regex("\\d+\\.\\d+\\.\\d+-[0-9a-f]{16}\n"))) << version;
  EXPECT_EQ(out_of({"--version"}), version);
  const auto json = json_of({"version", "--json"});
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["version"].get<std::string>() + "-" + json[0]["build"].get<std::string>() + "\n", version);
}

TEST_F(HelpTest, Manual_page_has_every_command_option_and_exit_status) {
  const std::string page = out_of({"help", "man"});
  EXPECT_THAT(page, StartsWith(".TH SCABBARD 1"));
  for (std::string_view verb : kVerbs) {
    EXPECT_THAT(page, HasSubstr(".SS " + std::string(verb) + "\n"));
    for (const std::string& option : options_of(verb)) {
      EXPECT_THAT(page, HasSubstr(std::regex_replace(option, std::regex("-"), "\\-"))) << verb;
    }
  }
  EXPECT_THAT(page, HasSubstr(".B 130\n"));
  EXPECT_THAT(page, HasSubstr("SCABBARD_LOG"));
}

TEST_F(HelpTest, Completion_of_every_shell_has_every_command_and_option) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    SCOPED_TRACE(shell);
    const std::string script = out_of({"help", "completion", shell});
    for (std::string_view verb : kVerbs) {
      EXPECT_THAT(script, HasSubstr(std::string(verb)));
      for (const std::string& option : options_of(verb)) {
        const bool is_fish = std::string_view(shell) == "fish";
        EXPECT_THAT(script, HasSubstr(is_fish ? "-l " + option.substr(2) : option)) << verb;
      }
    }
  }
  EXPECT_THAT(run({"help", "completion", "csh"}), Fails(2, "csh"));
}

TEST_F(HelpTest, Bash_completes_commands_options_subjects_and_paths) {
  write("some file", "");
  EXPECT_EQ(completed("scabbard st", 1), "stat\n");
  EXPECT_EQ(completed("scabbard rm --rec", 2), "--recursive\n");
  EXPECT_EQ(completed("scabbard help exit", 2), "exit-status\n");
  EXPECT_EQ(completed("scabbard cat '" + path("some") + "'", 2), path("some file") + "\n");
}

}  // namespace
}  // namespace scabbard::cli
