// What is different when a person watches: colours, harmless names, the bar.
#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class TerminalTest : public CommandTest {
 protected:
  // What a run shows on a terminal.
  std::string shown(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {}) const {
    Channel terminal = Channel::terminal();
    run(arguments, {.environment = environment, .standard_output = terminal.far(), .standard_error = terminal.far()});
    return terminal.read_rest();
  }
};

TEST_F(TerminalTest, Folders_and_errors_are_coloured_unless_that_is_not_wanted) {
  make_folder("folder");
  EXPECT_EQ(shown({"ls"}), "\x1b[1;34mfolder\x1b[0m/\n");
  EXPECT_THAT(shown({"ls", "gone"}), StartsWith("\x1b[1;31mscabbard:\x1b[0m "));
  for (const char* variable : {"NO_COLOR=1", "TERM=dumb"}) {
    EXPECT_EQ(shown({"ls"}, {variable}), "folder/\n") << variable;
    EXPECT_THAT(shown({"ls", "gone"}, {variable}), StartsWith("scabbard: ")) << variable;
  }
}

TEST_F(TerminalTest, Nothing_is_coloured_in_a_pipe) {
  make_folder("folder");
  EXPECT_EQ(out_of({"ls"}), "folder/\n");
}

TEST_F(TerminalTest, Name_cannot_command_the_terminal) {
  write("\x1b[31mred", "");
  EXPECT_EQ(shown({"ls"}), "\"\\u001b[31mred\"\n");
  EXPECT_THAT(shown({"stat", "\x1b[31mred"}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(shown({"rm", "-n", "\x1b[31mred"}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(shown({"du", "\x1b[31mred"}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(shown({"cat", "\x1b[31mgone"}, {"NO_COLOR=1"}), Not(HasSubstr("\x1b")));
}

TEST_F(TerminalTest, Copy_shows_how_far_it_is_and_wipes_that_at_the_end) {
  Channel terminal = Channel::terminal();
  Running copy = start({"cp", "-", "object"}, {.standard_error = terminal.far()});
  copy.feed(std::string(200'000, 'x'));
  std::string seen = terminal.read_some();  // waits until it is shown
  EXPECT_THAT(seen, AllOf(StartsWith("\r"), HasSubstr("/s")));
  EXPECT_THAT(copy.wait(), EndsWith(0));
  EXPECT_THAT(seen + terminal.read_rest(), ::testing::EndsWith("\r\x1b[K"));
}

TEST_F(TerminalTest, Quiet_copy_shows_nothing) {
  write("a", "text");
  EXPECT_EQ(shown({"cp", "--quiet", "a", "b"}), "");
}

}  // namespace
}  // namespace scabbard::cli
