// Objects on standard output.
#include <csignal>
#include <cstdio>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

class CatTest : public CommandTest {
 protected:
  CatTest() {
    init("store");
    write("store/a", "first\n");
    write("store/b", "second\n");
  }
};

TEST_F(CatTest, Objects_come_one_after_the_other) {
  EXPECT_EQ(out_of({"cat", "store/a", "store/b", "store/a"}), "first\nsecond\nfirst\n");
}

TEST_F(CatTest, Bytes_are_those_of_the_object) {
  const std::string bytes("\0\xff\x1b[2J\r\n", 8);
  write("store/binary", bytes);
  EXPECT_EQ(out_of({"cat", "store/binary"}), bytes);
}

TEST_F(CatTest, One_that_is_missing_is_4_and_does_not_hide_the_others) {
  const Outcome outcome = run({"cat", "store/a", "store/gone", "store/b"});
  EXPECT_THAT(outcome, Fails(4, "\"gone\""));
  EXPECT_EQ(outcome.out, "first\nsecond\n");
}

TEST_F(CatTest, Of_several_failures_the_first_decides_the_status) {
  EXPECT_THAT(run({"cat", "store/gone", "store"}), EndsWith(4));
  EXPECT_THAT(run({"cat", "store", "store/gone"}), EndsWith(1));
}

TEST_F(CatTest, Folder_is_refused_with_what_to_use_instead) {
  EXPECT_THAT(run({"cat", "store"}), Fails(1, R"("store" is a folder; `scabbard ls` lists it)"));
}

TEST_F(CatTest, Failure_with_json_is_json) {
  const auto errors = json_lines(run({"cat", "--json", "store/gone"}).err);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0]["exit_status"], 4);
  EXPECT_EQ(errors[0]["retryable"], false);
}

TEST_F(CatTest, Closed_pipe_ends_it_quietly_by_SIGPIPE) {
  Channel pipe = Channel::pipe();
  pipe.close_near();
  const Outcome outcome = run({"cat", "store/a"}, {.standard_output = pipe.far()});
  EXPECT_EQ(outcome.status, 128 + SIGPIPE);
  EXPECT_EQ(outcome.err, "");
}

TEST_F(CatTest, Full_standard_output_is_an_error) {
  std::FILE* full = std::fopen("/dev/full", "w");
  const With with{.standard_output = ::fileno(full)};
  EXPECT_THAT(run({"cat", "store/a"}, with), Fails(1, "No space left on device"));
  EXPECT_THAT(run({"ls", "store"}, with), Fails(1, "No space left on device"));
  EXPECT_THAT(run({"version"}, with), Fails(1, "No space left on device"));
  std::fclose(full);
}

}  // namespace
}  // namespace scabbard::cli
