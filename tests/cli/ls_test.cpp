// Listing.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <regex>
#include <sstream>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class LsTest : public CommandTest {
 protected:
  LsTest() {
    init("store");
    write("store/sealed/s-t01000-2", "22");
    write("store/sealed/s-t01000-1", "1");
    write("store/cache/sc-02-data-tree-d.dat", "tree");
    write("store/top", "top");
  }
};

std::set<std::string> lines_of(const std::string& text) {
  std::set<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) EXPECT_TRUE(lines.insert(line).second) << line << " twice";
  return lines;
}

TEST_F(LsTest, Shows_one_level_by_name_and_not_what_configures_the_store) {
  EXPECT_EQ(out_of({"ls", "store"}), "cache/\nsealed/\ntop\n");
  EXPECT_EQ(out_of({"ls", "store/sealed"}), "s-t01000-1\ns-t01000-2\n");
  EXPECT_EQ(out_of({"ls", "store/sealed/"}), "s-t01000-1\ns-t01000-2\n");
}

TEST_F(LsTest, Shows_an_object_as_it_was_named) { EXPECT_EQ(out_of({"ls", "store/top"}), "store/top\n"); }

TEST_F(LsTest, Shows_the_working_folder_where_nothing_is_named) { EXPECT_EQ(out_of({"ls"}), "store/\n"); }

TEST_F(LsTest, Shows_several_locations) {
  EXPECT_EQ(out_of({"ls", "store/cache", "store/top"}), "sc-02-data-tree-d.dat\nstore/top\n");
}

TEST_F(LsTest, Recursive_shows_the_objects_of_all_folders) {
  EXPECT_THAT(lines_of(out_of({"ls", "-r", "store"})),
              ElementsAre("cache/sc-02-data-tree-d.dat", "sealed/s-t01000-1", "sealed/s-t01000-2", "top"));
  EXPECT_THAT(lines_of(out_of({"ls", "-R", "store/sealed"})), ElementsAre("s-t01000-1", "s-t01000-2"));
}

TEST_F(LsTest, Long_shows_size_and_time) {
  const std::string listing = out_of({"ls", "-l", "store"});
  EXPECT_TRUE(std::regex_search(listing, std::regex(" 3  \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ  top\n")))
      << listing;
  EXPECT_TRUE(std::regex_search(listing, std::regex(" -  - +  cache/\n"))) << listing;
}

TEST_F(LsTest, Json_has_a_line_for_each_with_the_location_that_others_open) {
  const auto lines = json_of({"ls", "--json", "store"});
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], nlohmann::json({{"name", "cache"}, {"location", path("store/cache")}, {"folder", true}}));
  EXPECT_THAT(keys_of(lines[2]), UnorderedElementsAre("name", "location", "size", "modified", "version"));
  EXPECT_EQ(lines[2]["name"], "top");
  EXPECT_EQ(lines[2]["location"], path("store/top"));
  EXPECT_EQ(lines[2]["size"], 3);
}

TEST_F(LsTest, Json_of_all_levels_has_sizes) {
  std::uint64_t bytes = 0;
  for (const auto& line : json_of({"ls", "-r", "--json", "store"})) bytes += line["size"].get<std::uint64_t>();
  EXPECT_EQ(bytes, 10U);
}

TEST_F(LsTest, Folder_that_does_not_exist_is_3) {
  EXPECT_THAT(run({"ls", "store/gone"}), Fails(3, "no object or folder has that name"));
  EXPECT_THAT(run({"ls", "-r", "/gone/further"}), Fails(3, "no object or folder has that name"));
}

TEST_F(LsTest, One_that_is_missing_does_not_hide_the_others) {
  const Outcome outcome = run({"ls", "store/gone", "store/top"});
  EXPECT_THAT(outcome, Fails(3, "gone"));
  EXPECT_EQ(outcome.out, "store/top\n");
}

TEST_F(LsTest, Error_with_json_is_json) {
  const Outcome outcome = run({"ls", "--json", "store/gone"});
  EXPECT_EQ(outcome.out, "");
  const auto errors = json_lines(outcome.err);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(keys_of(errors[0]), UnorderedElementsAre("error", "message", "retryable", "exit_status"));
  EXPECT_EQ(errors[0]["error"], "not found");
  EXPECT_EQ(errors[0]["exit_status"], 3);
}

TEST_F(LsTest, Works_on_folders_that_are_no_store) {
  write("plain/a", "a");
  make_folder("plain/empty");
  EXPECT_EQ(out_of({"ls", "plain"}), "a\nempty/\n");
  EXPECT_THAT(out_of({"ls", "plain/empty"}), IsEmpty());
}

TEST_F(LsTest, What_is_neither_file_nor_folder_is_said_to_be_none) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0644), 0);
  for (const char* verb : {"ls", "du", "stat"}) {
    EXPECT_THAT(run({verb, "fifo"}), Fails(1, "not a regular file")) << verb;
  }
  EXPECT_THAT(run({"ls", "/dev/null"}), Fails(1, "not a regular file"));
}

TEST_F(LsTest, Folder_without_permission_is_a_matter_of_configuration) {
  make_folder("closed");
  std::filesystem::permissions(path("closed"), std::filesystem::perms(0));
  for (const char* verb : {"ls", "stat", "du"}) {
    EXPECT_THAT(run({verb, "closed"}, {.as_nobody = true}), Fails(7, "Permission denied")) << verb;
  }
  EXPECT_THAT(run({"ls", "-r", "closed"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  std::filesystem::permissions(path("closed"), std::filesystem::perms(0755));
}

TEST_F(LsTest, Odd_names_are_whole_in_a_pipe_and_escaped_in_json) {
  write("odd/\x1b[31m\nred", "");
  write("odd/\xff", "");
  EXPECT_EQ(out_of({"ls", "odd"}), "\x1b[31m\nred\n\xff\n");
  const auto lines = json_of({"ls", "--json", "odd"});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["name"], "\x1b[31m\nred");
  EXPECT_EQ(lines[1]["name"], "\xef\xbf\xbd");  // U+FFFD
}

TEST_F(LsTest, Closed_pipe_ends_it_quietly_by_SIGPIPE) {
  Channel pipe = Channel::pipe();
  pipe.close_near();
  const Outcome outcome = run({"ls", "store"}, {.standard_output = pipe.far()});
  EXPECT_EQ(outcome.status, 128 + SIGPIPE);
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace scabbard::cli
