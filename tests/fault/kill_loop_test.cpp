// A writer is killed at any moment, again and again on one folder: what was acknowledged is there, whole;
// nothing torn is; what the dead writer left can be swept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "fault/acknowledgements.hpp"
#include "store/object_name.hpp"
#include "store/posix/posix_store.hpp"
#include "support/child_process.hpp"
#include "support/numbered_bytes.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::posix {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

int kills() { return std::getenv("SCABBARD_LONG_TESTS") == nullptr ? 20 : 1000; }

class KillLoop : public ::testing::Test {
 protected:
  // Lets a writer work on the folder, kills it, and looks at what is there. The next round goes on from that.
  void round(int number, const std::string& guard, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {SCABBARD_KILLED_WRITER, folder_.string(), guard, std::to_string(number)};
    command.insert(command.end(), more.begin(), more.end());
    // What it says and what it logs come in one stream.
    kill_after(start(command, {"TMPDIR=" + scratch_.string(), "SCABBARD_LOG=off"}), 1 + (random_() % 200));
    sweep();
    said_.compare(found());
  }

  Acknowledgements& said() { return said_; }
  std::size_t swept() const { return swept_; }

 private:
  // The kill comes while the writer does whatever follows its `lines`-th line.
  void kill_after(const RunningChild& child, std::uint64_t lines) {
    std::string rest;
    for (std::uint64_t seen = 0; seen < lines && read_more(child, rest);) seen += take_lines(rest);
    ::kill(child.process, SIGKILL);
    while (read_more(child, rest)) take_lines(rest);
    const ChildEnd end = wait_for(child);
    if (end.signal != SIGKILL) said_.violated("the writer ended by itself, with " + std::to_string(end.exit_code));
  }

  std::uint64_t take_lines(std::string& text) {
    std::uint64_t count = 0;
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1), ++count) {
      said_.take(std::string_view(text).substr(0, end));
    }
    return count;
  }

  void sweep() {
    const auto store =
        value_of(open_store({.name = "after", .path = folder_.string(), .meta = {}}, folder_.string(), {}));
    swept_ += value_of(store->sweep(Context())).files;
  }

  // By the filesystem and not by the store, which would not show what it keeps for itself.
  std::map<std::string, Content> found() {
    std::map<std::string, Content> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      const std::string name = entry.path().lexically_relative(folder_.path());
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      const auto content = number_of(std::as_bytes(std::span(text)));
      if (!content) {
        said_.violated(name + (name.contains(kTemporaryPrefix) ? ": was not swept" : ": is torn"));
      } else {
        all[name] = content;
      }
    }
    return all;
  }

  TemporaryFolder folder_;
  TemporaryFolder scratch_;  // for what the writer puts files from, which nobody removes for it
  std::mt19937_64 random_{std::random_device()()};
  Acknowledgements said_;
  std::size_t swept_ = 0;
};

TEST_F(KillLoop, Killed_writer_loses_nothing_acknowledged_and_leaves_nothing_torn) {
  for (int number = 0; number < kills(); ++number) {
    round(number, number % 2 == 0 ? "never" : "always");
    ASSERT_THAT(said().violations(), IsEmpty()) << "in round " << number;
  }
  const auto rounds = static_cast<std::size_t>(kills());
  EXPECT_GT(said().done(), rounds * 10) << "too little was acknowledged to mean anything";
  EXPECT_GT(said().unfinished(), rounds) << "the writer was hardly ever killed in the middle of a call";
  EXPECT_GT(swept(), rounds / 4) << "the writer was hardly ever killed while it wrote";
}

// As damocles' own filestore writes.
TEST_F(KillLoop, Writer_that_writes_in_place_is_found_out) {
  constexpr int kMostRounds = 200;
  const auto torn = Contains(HasSubstr("is torn"));
  for (int number = 0; number < kMostRounds && !::testing::Value(said().violations(), torn); ++number) {
    round(number, "never", {"in-place"});
  }
  EXPECT_THAT(said().violations(), torn);
}

class AcknowledgementsTest : public ::testing::Test {
 protected:
  void say(std::initializer_list<const char*> lines) {
    for (const char* line : lines) said_.take(line);
  }
  std::vector<std::string> violations(const std::map<std::string, Content>& found) {
    Acknowledgements copy = said_;
    copy.compare(found);
    return copy.violations();
  }
  Acknowledgements said_;
};

TEST_F(AcknowledgementsTest, What_was_acknowledged_must_be_there) {
  say({"begin put a 1", "done a 1", "begin put a 2", "done a 2"});
  EXPECT_THAT(violations({{"a", 2}}), IsEmpty());
  EXPECT_THAT(violations({{"a", 1}}), ElementsAre(HasSubstr("1 is there and not 2")));
  EXPECT_THAT(violations({}), ElementsAre(HasSubstr("nothing is there")));
}

TEST_F(AcknowledgementsTest, Call_under_way_may_have_happened_or_not) {
  say({"begin put a 1", "done a 1", "begin put a 2", "begin put b 3", "begin remove a 4"});
  for (const Content& a : {Content(1), Content(2), Content()}) {
    EXPECT_THAT(violations(a ? std::map<std::string, Content>{{"a", a}} : std::map<std::string, Content>{}), IsEmpty());
  }
  EXPECT_THAT(violations({{"a", 1}, {"b", 3}}), IsEmpty());
  EXPECT_THAT(violations({{"a", 3}}), ElementsAre(HasSubstr("a: 3")));
}

TEST_F(AcknowledgementsTest, What_was_removed_must_be_gone) {
  say({"begin put a 1", "done a 1", "begin remove a 2", "done a 2"});
  EXPECT_THAT(violations({}), IsEmpty());
  EXPECT_THAT(violations({{"a", 1}}), ElementsAre(HasSubstr("1 is there and not nothing")));
}

TEST_F(AcknowledgementsTest, Exclusive_create_must_not_replace) {
  say({"begin exclusive a 1", "begin exclusive a 2", "done a 1"});
  EXPECT_THAT(violations({{"a", 1}}), IsEmpty());
  EXPECT_THAT(violations({{"a", 2}}), ElementsAre(HasSubstr("2 is there and not 1")));
  say({"done a 2"});
  EXPECT_THAT(said_.violations(), ElementsAre(HasSubstr("created over 1")));
}

TEST_F(AcknowledgementsTest, Failed_call_and_object_of_nobody_are_violations) {
  say({"begin put a 1", "refused a 1", "failed a: no space"});
  EXPECT_THAT(said_.violations(), ElementsAre(HasSubstr("no space")));
  EXPECT_THAT(violations({{"x", 7}}), Contains(HasSubstr("x: nobody stored that")));
}

TEST_F(AcknowledgementsTest, Content_that_is_torn_has_no_number) {
  const Bytes whole = numbered_bytes(7, 100'000);
  EXPECT_EQ(number_of(whole), 7U);
  Bytes torn = whole;
  torn[60'000] = std::byte(~std::to_integer<unsigned>(torn[60'000]));
  EXPECT_EQ(number_of(torn), std::nullopt);
  EXPECT_EQ(number_of(std::span(whole).first(99'999)), std::nullopt);
  EXPECT_EQ(number_of({}), std::nullopt);
}

}  // namespace
}  // namespace scabbard::posix
