// Signals in the middle: cleaned up first, then died of.
#include <csignal>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::Lt;

// More than a pipe holds: once it is written, the copy has begun.
const std::string& begun() {
  static const std::string text(1 << 20, 'x');
  return text;
}

class InterruptionTest : public CommandTest {
 protected:
  InterruptionTest() {
    init("store");
    write("store/object", "old");
  }

  void expect_untouched() const {
    EXPECT_THAT(files_below("store"), ElementsAre("object", "sectorstore.json"));
    EXPECT_EQ(read("store/object"), "old");
  }
};

TEST_F(InterruptionTest, Copy_dies_by_the_signal_and_leaves_the_previous_object_and_nothing_else) {
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    SCOPED_TRACE(signal);
    Running copy = start({"cp", "-", "store/object"});
    copy.feed(begun());
    EXPECT_THAT(files_below("store"), ::testing::SizeIs(Gt(2U))) << "there is nothing to clean up";
    copy.interrupt_by(signal);
    EXPECT_THAT(copy.wait(), EndsWith(128 + signal));
    expect_untouched();
  }
}

TEST_F(InterruptionTest, Signal_that_is_ignored_from_the_start_stays_so) {
  ::signal(SIGHUP, SIG_IGN);  // as nohup does
  Running copy = start({"cp", "-", "store/object"});
  ::signal(SIGHUP, SIG_DFL);
  copy.feed(begun());
  copy.interrupt_by(SIGHUP);
  EXPECT_THAT(copy.wait(), Succeeds());
  EXPECT_EQ(read("store/object"), begun());
}

TEST_F(InterruptionTest, Copy_to_a_pipe_that_nobody_reads_can_be_interrupted) {
  write("store/large", begun());
  Channel pipe = Channel::pipe();
  Running copy = start({"cp", "store/large", "-"}, {.standard_output = pipe.far()});
  EXPECT_NE(pipe.read_some(), "");
  copy.interrupt_by(SIGINT);
  EXPECT_THAT(copy.wait(), EndsWith(128 + SIGINT));
}

TEST_F(InterruptionTest, Recursive_copy_leaves_whole_objects_only_and_begins_no_further_ones) {
  constexpr std::size_t kObjects = 4000;
  for (std::size_t i = 0; i < kObjects; ++i) write("folder/" + std::to_string(i), "content");
  Channel pipe = Channel::pipe();
  Running copy = start({"cp", "-r", "--json", "folder", "store"}, {.standard_output = pipe.far()});
  // Its lines are longer than what a pipe holds, so that it cannot come to an end before they are read.
  EXPECT_NE(pipe.read_some(), "");
  copy.interrupt_by(SIGINT);
  pipe.read_rest();
  EXPECT_THAT(copy.wait(), EndsWith(128 + SIGINT));
  const auto copied = files_below("store/folder");
  EXPECT_THAT(copied.size(), Gt(0U));
  EXPECT_THAT(copied.size(), Lt(kObjects));
  for (const std::string& name : copied) {
    ASSERT_TRUE(exists("folder/" + name)) << name << " is no object but a leftover";
    ASSERT_EQ(read("store/folder/" + name), "content") << name;
  }
}

}  // namespace
}  // namespace scabbard::cli
