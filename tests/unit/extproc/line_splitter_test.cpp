#include "extproc/line_splitter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace scabbard::extproc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Lines = std::vector<std::pair<std::string, bool>>;

Lines lines_of(LineSplitter& splitter, std::string_view bytes) {
  Lines lines;
  splitter.feed(bytes, [&](std::string line, bool is_whole) { lines.emplace_back(std::move(line), is_whole); });
  return lines;
}

TEST(LineSplitterTest, Several_lines_at_once_and_one_in_pieces) {
  LineSplitter splitter(100);
  EXPECT_THAT(lines_of(splitter, "a\n\nbc\nd"), ElementsAre(Pair("a", true), Pair("", true), Pair("bc", true)));
  EXPECT_THAT(lines_of(splitter, "ef"), IsEmpty());
  EXPECT_TRUE(splitter.is_in_line());
  EXPECT_THAT(lines_of(splitter, "\n"), ElementsAre(Pair("def", true)));
  EXPECT_FALSE(splitter.is_in_line());
}

TEST(LineSplitterTest, A_line_may_be_as_long_as_the_limit) {
  LineSplitter splitter(4);
  EXPECT_THAT(lines_of(splitter, "abcd\nabcde\nf\n"),
              ElementsAre(Pair("abcd", true), Pair("abcde", false), Pair("f", true)));
}

TEST(LineSplitterTest, Of_a_line_that_is_too_long_the_beginning_is_kept) {
  LineSplitter splitter(1000);
  const std::string beginning(LineSplitter::kBeginning, 'b');
  EXPECT_THAT(lines_of(splitter, beginning), IsEmpty());
  for (int i = 0; i < 100; ++i) EXPECT_THAT(lines_of(splitter, std::string(100, 'c')), IsEmpty());
  EXPECT_THAT(lines_of(splitter, "d\ne\n"), ElementsAre(Pair(beginning, false), Pair("e", true)));
}

}  // namespace
}  // namespace scabbard::extproc
