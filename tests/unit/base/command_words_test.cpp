#include "base/command_words.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace scabbard {
namespace {

using ::testing::ElementsAre;

TEST(SplitCommandTest, Words_end_at_spaces_outside_quotes) {
  EXPECT_THAT(split_command("  /bin/a  -b\t\"c d\" 'e f'g \"\" "),
              Gives(ElementsAre("/bin/a", "-b", "c d", "e fg", "")));
}

TEST(SplitCommandTest, Backslashes_mean_what_they_mean_to_a_shell) {
  EXPECT_THAT(split_command(R"(a\ b "c\"d\e\\" 'f\g' h\)"), Gives(ElementsAre("a b", R"(c"d\e\)", R"(f\g)", R"(h\)")));
}

TEST(SplitCommandTest, Nothing_else_means_anything) {
  EXPECT_THAT(split_command("a $B `c` | d > e # f"),
              Gives(ElementsAre("a", "$B", "`c`", "|", "d", ">", "e", "#", "f")));
}

TEST(SplitCommandTest, What_cannot_be_run_is_refused) {
  for (const char* command : {"", "  ", "'a", "a \"b", "'' a"}) {
    EXPECT_THAT(split_command(command), FailsWith(ErrorCode::kInvalidArgument)) << command;
  }
}

}  // namespace
}  // namespace scabbard
