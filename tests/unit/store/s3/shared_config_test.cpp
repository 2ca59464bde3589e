#include "store/s3/shared_config.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "support/environment_variable.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::s3 {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::Pair;
using testing::UnorderedElementsAre;

IniKeys section(std::string_view text) { return value_of(parse_ini(text, "file"))["s"]; }

TEST(IniTest, Takes_keys_in_any_case_with_either_mark) {
  EXPECT_THAT(
      section("[s]\nRegion=eu-west-1\nAWS_Secret_Access_Key :  a=b:c \r\n\nempty =\n"),
      UnorderedElementsAre(Pair("region", "eu-west-1"), Pair("aws_secret_access_key", "a=b:c"), Pair("empty", "")));
}

TEST(IniTest, Comments_are_whole_lines_or_follow_a_space) {
  EXPECT_THAT(section("# c\n; c\n[s] # c\n  # c\na = 1 # c\nb = 2\t; c\nc = 3#4;5\n"),
              UnorderedElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3#4;5")));
}

TEST(IniTest, A_key_without_value_may_hold_a_block_of_keys) {
  EXPECT_THAT(section("[s]\ns3 =\n  Addressing_Style = path\n  # c\n\n  endpoint_url = http://h:1\nregion = x\n"),
              UnorderedElementsAre(Pair("s3", ""), Pair("s3.addressing_style", "path"),
                                   Pair("s3.endpoint_url", "http://h:1"), Pair("region", "x")));
}

TEST(IniTest, A_value_goes_on_in_lines_further_in) {
  EXPECT_THAT(section("[s]\n  a = 1\n   2\n  b = 3\n"), UnorderedElementsAre(Pair("a", "1\n2"), Pair("b", "3")));
}

TEST(IniTest, The_last_of_two_values_counts_and_sections_add_up) {
  EXPECT_THAT(section("[s]\na = 1\n[t]\na = 2\n[s]\na = 3\nb = 4\n"),
              UnorderedElementsAre(Pair("a", "3"), Pair("b", "4")));
}

TEST(IniTest, An_error_names_file_and_line_and_not_what_stands_there) {
  for (const char* text : {"[s]\nhunter2\n", "hunter2 = hunter2\n[s]\n", "[s]\n[hunter2\n", "[s]\n= hunter2\n",
                           "[s]\ns3 =\n  hunter2\n", "[ ]\nhunter2 = 1"}) {
    auto result = parse_ini(text, "/home/p/.aws/credentials");
    ASSERT_THAT(result, FailsSaying(ErrorCode::kInvalidArgument, "\"/home/p/.aws/credentials\", line ")) << text;
    EXPECT_THAT(result.error().message, Not(HasSubstr("hunter2")));
  }
}

SharedConfig config_of(std::string_view config, std::string_view credentials = "") {
  return value_of(SharedConfig::parse(config, credentials));
}

TEST(SharedConfigTest, Profiles_are_named_differently_in_the_two_files) {
  SharedConfig config =
      config_of("[default]\na = 1\n[profile x]\na = 2\n[profile \"y z\"]\na = 3\n[w]\na = 4\n", "[v]\na = 5\n");
  EXPECT_THAT(config.value("default", "a"), Optional(Eq("1")));
  EXPECT_THAT(config.value("x", "a"), Optional(Eq("2")));
  EXPECT_THAT(config.value("y z", "a"), Optional(Eq("3")));
  EXPECT_THAT(config.value("v", "a"), Optional(Eq("5")));
  EXPECT_FALSE(config.has_profile("w"));
  EXPECT_THAT(config.value("x", "b"), Eq(std::nullopt));
  EXPECT_THAT(config.value("w", "a"), Eq(std::nullopt));
}

TEST(SharedConfigTest, The_credentials_file_wins) {
  SharedConfig config = config_of("[profile x]\na = config\nregion = r\n", "[x]\na = credentials\n");
  EXPECT_THAT(config.value("x", "a"), Optional(Eq("credentials")));
  EXPECT_THAT(config.value("x", "region"), Optional(Eq("r")));
}

TEST(SharedConfigTest, Profile_default_wins_over_default_wherever_it_stands) {
  EXPECT_THAT(config_of("[profile default]\na = 2\n[default]\na = 1\n").value("default", "a"), Optional(Eq("2")));
}

TEST(SharedConfigTest, A_profile_may_name_a_section_for_services) {
  SharedConfig config = config_of(
      "[profile x]\nservices = minio\n[services minio]\ns3 =\n  endpoint_url = http://minio:9000\n[profile y]\n");
  EXPECT_THAT(config.service_value("x", "s3", "endpoint_url"), Optional(Eq("http://minio:9000")));
  EXPECT_THAT(config.service_value("x", "sqs", "endpoint_url"), Eq(std::nullopt));
  EXPECT_THAT(config.service_value("y", "s3", "endpoint_url"), Eq(std::nullopt));
}

TEST(SharedConfigTest, Files_are_at_home_unless_variables_or_the_option_say_otherwise) {
  Environment environment{.variables = {}, .home = "/home/p"};
  SharedConfigFiles files = SharedConfigFiles::of(environment, "");
  EXPECT_EQ(files.config, "/home/p/.aws/config");
  EXPECT_EQ(files.credentials, "/home/p/.aws/credentials");
  EXPECT_FALSE(files.credentials_required);

  environment.variables = {{"AWS_CONFIG_FILE", "~/c"}, {"AWS_SHARED_CREDENTIALS_FILE", "/etc/s"}};
  files = SharedConfigFiles::of(environment, "");
  EXPECT_EQ(files.config, "/home/p/c");
  EXPECT_EQ(files.credentials, "/etc/s");

  files = SharedConfigFiles::of(environment, "/option");
  EXPECT_EQ(files.credentials, "/option");
  EXPECT_TRUE(files.credentials_required);
}

TEST(SharedConfigTest, Without_a_home_there_are_no_files) {
  SharedConfigFiles files = SharedConfigFiles::of({}, "");
  EXPECT_EQ(files.config, "");
  EXPECT_THAT(SharedConfig::read(files), Succeeds());
}

TEST(SharedConfigTest, A_missing_file_is_an_error_only_where_it_was_asked_for) {
  TemporaryFolder folder;
  SharedConfigFiles files{.config = (folder / "config").string(), .credentials = (folder / "credentials").string()};
  EXPECT_THAT(SharedConfig::read(files), Succeeds());
  files.credentials_required = true;
  EXPECT_THAT(SharedConfig::read(files), FailsSaying(ErrorCode::kInvalidArgument, files.credentials));
  std::ofstream(files.credentials) << "[x]\na = 1\n";
  EXPECT_THAT(value_of(SharedConfig::read(files)).value("x", "a"), Optional(Eq("1")));
}

TEST(SharedConfigTest, What_is_no_file_is_said_so) {
  TemporaryFolder folder;
  EXPECT_THAT(SharedConfig::read({.config = folder.string(), .credentials = ""}),
              FailsSaying(ErrorCode::kInvalidArgument, "Is a directory"));
  EXPECT_THAT(SharedConfig::read({.config = "/dev/zero", .credentials = ""}),
              FailsSaying(ErrorCode::kInvalidArgument, "larger than 1 MiB"));
}

TEST(EnvironmentTest, Holds_the_AWS_variables_of_the_process) {
  const EnvironmentVariable profile("AWS_PROFILE", "of-the-test");
  Environment environment = Environment::of_process();
  EXPECT_EQ(environment.get("AWS_PROFILE"), "of-the-test");
  EXPECT_EQ(environment.get("AWS_NO_SUCH_VARIABLE"), "");
  EXPECT_FALSE(environment.variables.contains("PATH"));
}

TEST(EnvironmentTest, Home_is_known_without_the_variable) {
  std::string before = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  ::unsetenv("HOME");
  std::string home = Environment::of_process().home;
  if (!before.empty()) ::setenv("HOME", before.c_str(), 1);
  EXPECT_THAT(home, testing::StartsWith("/"));
}

}  // namespace
}  // namespace scabbard::s3
