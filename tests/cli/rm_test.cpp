// Removing, which asks for more words the more it removes.
#include <sys/stat.h>

#include <filesystem>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RmTest : public CommandTest {
 protected:
  RmTest() {
    init("store");
    write("store/folder/a", "a");
    write("store/folder/b/c", "c");
    write("store/top", "top");
  }

  void expect_untouched() const {
    EXPECT_THAT(files_below("store"), ElementsAre("folder/a", "folder/b/c", "sectorstore.json", "top"));
  }
};

TEST_F(RmTest, Removes_an_object_and_leaves_the_others) {
  EXPECT_THAT(run({"rm", "store/top", "store/folder/a"}), Succeeds());
  EXPECT_THAT(files_below("store"), ElementsAre("folder/b/c", "sectorstore.json"));
}

TEST_F(RmTest, Missing_object_is_4_and_does_not_keep_the_others_back) {
  EXPECT_THAT(run({"rm", "store/gone", "store/top"}), Fails(4, "\"gone\""));
  EXPECT_FALSE(exists("store/top"));
  EXPECT_THAT(run({"rm", "-r", "store/gone"}), Fails(4, "\"gone\""));
}

TEST_F(RmTest, Folder_needs_recursive) {
  EXPECT_THAT(run({"rm", "store/folder"}), Fails(1, "--recursive"));
  expect_untouched();
  EXPECT_THAT(run({"rm", "--recursive", "store/folder"}), Succeeds());
  EXPECT_FALSE(exists("store/folder"));
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json", "top"));
}

TEST_F(RmTest, Object_with_a_slash_is_no_folder) {
  EXPECT_THAT(run({"rm", "-r", "store/top/"}), Fails(1, "no folder"));
  expect_untouched();
}

TEST_F(RmTest, Dry_run_shows_all_and_removes_nothing) {
  EXPECT_THAT(out_of({"rm", "--dry-run", "-r", "store/folder", "store/top"}),
              AllOf(HasSubstr("would remove " + path("store/folder/a") + "\n"),
                    HasSubstr("would remove " + path("store/folder/b/c") + "\n"),
                    HasSubstr("would remove " + path("store/top") + "\n")));
  expect_untouched();
}

TEST_F(RmTest, Dry_run_refuses_what_would_be_refused) {
  EXPECT_THAT(run({"rm", "-n", "store/folder"}), Fails(1, "--recursive"));
  EXPECT_THAT(run({"rm", "-nr", "store"}), Fails(1, "--whole-store"));
  EXPECT_THAT(run({"rm", "-n", "store/gone"}), Fails(4, "\"gone\""));
  EXPECT_THAT(run({"rm", "-nr", "store/gone"}), Fails(4, "\"gone\""));
}

TEST_F(RmTest, Link_to_nowhere_can_be_removed) {
  fs::create_symlink("nowhere", path("link"));
  EXPECT_EQ(out_of({"rm", "-n", "link"}), "would remove " + path("link") + "\n");
  EXPECT_TRUE(exists("link"));
  EXPECT_THAT(run({"rm", "link"}), Succeeds());
  EXPECT_FALSE(exists("link"));
}

TEST_F(RmTest, Json_names_what_went) {
  const auto would = json_of({"rm", "--dry-run", "--json", "store/top"});
  ASSERT_EQ(would.size(), 1U);
  EXPECT_EQ(would[0], nlohmann::json({{"would_remove", path("store/top")}}));
  const auto removed = json_of({"rm", "--json", "store/top"});
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0], nlohmann::json({{"removed", path("store/top")}}));
}

TEST_F(RmTest, Whole_store_needs_to_be_said_and_stays_a_store) {
  EXPECT_THAT(run({"rm", "-r", "store"}), Fails(1, "--whole-store"));
  EXPECT_THAT(run({"rm", "-r", "store/."}), Fails(1, "--whole-store"));
  expect_untouched();
  EXPECT_THAT(run({"rm", "--whole-store", "store"}), Fails(1, "--recursive"));
  expect_untouched();
  EXPECT_THAT(run({"rm", "-r", "--whole-store", "store"}), Succeeds());
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
  EXPECT_FALSE(exists("store/folder"));
}

TEST_F(RmTest, Folder_that_holds_a_store_is_refused) {
  write("outer/a", "a");
  init("outer/inner");
  write("outer/inner/object", "x");
  EXPECT_THAT(run({"rm", "-r", "outer"}), Fails(1, "is a store"));
  EXPECT_THAT(files_below("outer"), ElementsAre("a", "inner/object", "inner/sectorstore.json"));
}

TEST_F(RmTest, Folder_with_a_link_to_a_folder_elsewhere_is_refused) {
  write("elsewhere/precious", "x");
  fs::create_directory_symlink(path("elsewhere"), path("store/folder/link"));
  EXPECT_THAT(run({"rm", "-r", "store/folder"}), Fails(1, "link to a folder elsewhere"));
  EXPECT_EQ(read("elsewhere/precious"), "x");
  EXPECT_EQ(read("store/folder/a"), "a");
}

TEST_F(RmTest, Link_to_a_folder_is_refused_and_what_it_leads_to_stays) {
  write("elsewhere/precious", "x");
  for (const char* link : {"store/link", "link"}) {
    fs::create_directory_symlink(path("elsewhere"), path(link));
    EXPECT_THAT(run({"rm", "-r", link}), Fails(1, "link to a folder elsewhere"));
    EXPECT_THAT(run({"rm", "-r", std::string(link) + "/"}), Fails(1, "link to a folder elsewhere"));
    EXPECT_EQ(read("elsewhere/precious"), "x");
  }
}

TEST_F(RmTest, Folder_of_another_plugins_store_is_not_taken_for_one_of_the_same_name) {
  write("store/other/keep", "x");
  write("store/folder/other/sectorstore.json", R"({"Name":"other","PluginName":"fsstore"})");
  write("store/folder/other/object", "x");
  EXPECT_THAT(run({"rm", "-r", "store/folder/other"}), Fails(1, "is a store"));
  EXPECT_THAT(run({"rm", "-r", "--whole-store", "store/folder/other"}), Succeeds());
  EXPECT_FALSE(exists("store/folder/other"));
  EXPECT_EQ(read("store/other/keep"), "x");
}

TEST_F(RmTest, Folder_is_to_be_named) {
  for (const char* dots : {"store/folder/.", "store/folder/b/..", "./", ".."}) {
    EXPECT_THAT(run({"rm", "-r", dots}), Fails(1, "name the folder itself")) << dots;
  }
  EXPECT_THAT(run({"rm", "-r", "--whole-store", "/"}), Fails(1, "root of all files"));
  expect_untouched();
}

TEST_F(RmTest, Way_back_from_a_link_is_refused) {
  write("elsewhere/deep/file", "x");
  write("deep/file", "y");
  fs::create_directory_symlink(path("elsewhere/deep"), path("link"));
  EXPECT_THAT(run({"rm", "link/../file"}), Fails(2, "is a link"));
}

TEST_F(RmTest, Name_in_brackets_is_one_name) {
  for (const char* name : {"a", "b", "[a,b]", "[]"}) write(name, name);
  EXPECT_THAT(run({"rm", "[a,b]", "[]"}), Succeeds());
  EXPECT_FALSE(exists("[a,b]"));
  EXPECT_TRUE(exists("a") && exists("b"));
}

TEST_F(RmTest, Links_to_nowhere_go_with_their_folder) {
  fs::create_symlink("nowhere", path("store/folder/link"));
  EXPECT_THAT(run({"rm", "-r", "store/folder"}), Succeeds());
  EXPECT_FALSE(exists("store/folder"));
}

TEST_F(RmTest, Pipe_in_a_folder_is_found_before_the_first_object_goes) {
  ASSERT_EQ(::mkfifo(path("store/folder/b/fifo").c_str(), 0644), 0);
  EXPECT_THAT(run({"rm", "-r", "store/folder"}), Fails(1, "neither object nor folder"));
  EXPECT_TRUE(exists("store/folder/a"));
}

TEST_F(RmTest, Link_to_a_file_goes_and_the_file_stays) {
  fs::create_symlink(path("store/top"), path("link"));
  EXPECT_THAT(run({"rm", "link"}), Succeeds());
  EXPECT_FALSE(exists("link"));
  expect_untouched();
}

TEST_F(RmTest, Folder_that_is_no_store_goes_itself) {
  write("plain/a", "a");
  EXPECT_THAT(run({"rm", "-r", "plain"}), Succeeds());
  EXPECT_FALSE(exists("plain"));
}

TEST_F(RmTest, What_is_neither_file_nor_folder_stays) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0644), 0);
  EXPECT_THAT(run({"rm", "fifo"}), Fails(1, "not a regular file"));
  EXPECT_THAT(run({"rm", "-r", "fifo"}), Fails(1, "not a regular file"));
  EXPECT_TRUE(exists("fifo"));
}

TEST_F(RmTest, Folder_that_may_not_be_written_is_a_matter_of_configuration) {
  fs::permissions(path("store/folder"), fs::perms(0555));
  EXPECT_THAT(run({"rm", "store/folder/a"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  EXPECT_THAT(run({"rm", "-r", "store/folder"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  EXPECT_TRUE(exists("store/folder/a"));
  fs::permissions(path("store/folder"), fs::perms(0755));
}

}  // namespace
}  // namespace scabbard::cli
