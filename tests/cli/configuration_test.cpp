// Locations by scabbard.toml and sectorstore.json, and what is wrong in these.
#include <filesystem>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::HasSubstr;

class ConfigurationTest : public CommandTest {
 protected:
  void configure(const std::string& url, const std::string& more = "") const {
    write("scabbard.toml", "[[store]]\nName = \"configured\"\nPath = \"" + url + "\"\n" + more);
  }
};

TEST_F(ConfigurationTest, Url_is_one_of_a_configured_store) {
  write("objects/a", "text");
  const std::string url = "file://" + path("objects");
  configure(url, "ReadOnly = true\n");
  EXPECT_EQ(out_of({"cat", "--config", "scabbard.toml", url + "/a"}), "text");
  const std::string variable = "SCABBARD_CONFIG=" + path("scabbard.toml");
  EXPECT_EQ(out_of({"cat", url + "/a"}, {.environment = {variable}}), "text");
  EXPECT_THAT(run({"rm", url + "/a"}, {.environment = {variable}}), Fails(7, "read-only"));
}

TEST_F(ConfigurationTest, Url_of_no_configured_store_is_3_and_a_secret_in_it_is_not_repeated) {
  EXPECT_THAT(run({"ls", "s3://bucket/a"}), Fails(3, "no store is configured"));
  const Outcome outcome = run({"ls", "s3://key:hunter2@bucket/a"});
  EXPECT_THAT(outcome, Fails(7, "carries credentials"));
  EXPECT_THAT(outcome.err, ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(ConfigurationTest, Store_that_this_build_cannot_open_is_7) {
  configure("ftp://host/objects");
  EXPECT_THAT(run({"ls", "--config", "scabbard.toml", "ftp://host/objects/a"}), Fails(7, "no \"ftp\" stores"));
}

TEST_F(ConfigurationTest, File_that_is_missing_broken_or_closed_is_7) {
  EXPECT_THAT(run({"ls", "--config", "gone.toml"}), Fails(7, "does not exist"));
  EXPECT_THAT(run({"ls"}, {.environment = {"SCABBARD_CONFIG=" + path("gone.toml")}}), Fails(7, "does not exist"));
  write("broken.toml", "[[store");
  EXPECT_THAT(run({"ls", "--config", "broken.toml"}), Fails(7, "malformed TOML at line 1"));
  configure("file:///", "Raed = 1\n");
  EXPECT_THAT(run({"ls", "--config", "scabbard.toml"}), Fails(7, "\"Raed\" is not known"));
  std::filesystem::permissions(path("scabbard.toml"), std::filesystem::perms(0));
  EXPECT_THAT(run({"ls", "--config", "scabbard.toml"}, {.as_nobody = true}), Fails(7, "Permission denied"));
}

TEST_F(ConfigurationTest, Store_folder_with_a_broken_file_is_7_to_every_command) {
  write("store/sectorstore.json", "{");
  write("a", "text");
  const std::vector<std::vector<std::string>> commands = {
      {"ls", "store"},   {"stat", "store"}, {"cat", "store/a"},
      {"rm", "store/a"}, {"du", "store"},   {"cp", "a", "store/a"},
  };
  for (const auto& command : commands) EXPECT_THAT(run(command), Fails(7, "malformed JSON")) << command[0];
}

TEST_F(ConfigurationTest, Store_folder_with_an_unknown_option_is_7_with_the_nearest) {
  write("store/sectorstore.json", R"({"Name":"s","PluginName":"scabbard","Meta":{"Timout":"1s"}})");
  EXPECT_THAT(run({"ls", "store"}), Fails(7, "did you mean Timeout?"));
}

TEST_F(ConfigurationTest, Store_whose_objects_are_in_a_folder_that_is_missing_is_3) {
  write("store/sectorstore.json", R"({"Name":"s","PluginName":"scabbard","Meta":{"Url":"file:///gone/away"}})");
  EXPECT_THAT(run({"ls", "store"}), Fails(3, "mount its disk"));
}

TEST_F(ConfigurationTest, Error_with_json_says_what_it_ends_with) {
  const auto errors = json_lines(run({"ls", "--json", "--config", "gone.toml"}).err);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0]["exit_status"], 7);
}

}  // namespace
}  // namespace scabbard::cli
