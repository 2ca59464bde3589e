#include "store/store_file.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {
namespace {

Result<std::optional<StoreFile>> read_file_of(const TemporaryFolder& folder) {
  posix::BoundedAccess access(folder.string());
  return read_store_file({}, access);
}

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StoreFileTest, Gives_name_plugin_and_options) {
  auto file = value_of(parse_store_file(
      R"({"ID":"123","Name":"s3-a","ReadOnly":true,"Weight":1,"AllowMiners":[1],"PluginName":"scabbard",
          "Meta":{"Url":"file:///data"}})"));
  EXPECT_EQ(file.name, "s3-a");
  EXPECT_TRUE(file.is_ours());
  EXPECT_TRUE(file.read_only);
  EXPECT_EQ(file.meta.at("Url"), "file:///data");
}

TEST(StoreFileTest, Id_stands_in_for_an_empty_name) {
  EXPECT_EQ(value_of(parse_store_file(R"({"ID":"123","Name":""})")).name, "123");
}

TEST(StoreFileTest, Older_plugin_key_and_any_case_are_taken) {
  EXPECT_TRUE(value_of(parse_store_file(R"({"Plugin":"scabbard"})")).is_ours());
  EXPECT_TRUE(value_of(parse_store_file(R"({"pluginname":"scabbard","meta":null})")).is_ours());
}

TEST(StoreFileTest, Those_of_other_programs_are_not_ours) {
  EXPECT_FALSE(value_of(parse_store_file(R"({"ID":"1","Weight":10,"CanSeal":true})")).is_ours());
  EXPECT_FALSE(value_of(parse_store_file(R"({"PluginName":"fsstore"})")).is_ours());
}

TEST(StoreFileTest, Malformed_text_is_refused_with_its_place_and_not_repeated) {
  auto file = parse_store_file("{\n  \"Name\": hunter2\n}");
  EXPECT_THAT(file, FailsSaying(ErrorCode::kInvalidArgument, "line 2"));
  EXPECT_THAT(file.error().message, Not(HasSubstr("hunter2")));
  for (const char* text :
       {"", "[]", "1", "{\"Name\":1}", "{\"Meta\":{\"Url\":1}}", "{\"Meta\":[]}", "{\"ReadOnly\":\"yes\"}"}) {
    EXPECT_THAT(parse_store_file(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(StoreFileTest, Errors_name_the_file) {
  TemporaryFolder folder;
  std::ofstream(folder / "sectorstore.json") << "{";
  EXPECT_THAT(read_file_of(folder), FailsSaying(ErrorCode::kInvalidArgument, "sectorstore.json"));
}

TEST(StoreFileTest, Folder_without_one_has_none) {
  TemporaryFolder folder;
  EXPECT_FALSE(value_of(read_file_of(folder)).has_value());
}

TEST(ConfigFileTest, Gives_its_stores) {
  auto stores = value_of(parse_config_file(R"(
    [[store]]
    Name = "s3-a"
    Path = "s3://sectors/f01000"
    ReadOnly = true
    [store.Meta]
    Endpoint = "https://minio.example:9000"
    PartSize = 16777216
    [[store]]
    Path = "/data"
  )"));
  ASSERT_EQ(stores.size(), 2U);
  EXPECT_EQ(stores[0].config.name, "s3-a");
  EXPECT_EQ(stores[0].config.meta.at("PartSize"), "16777216");
  EXPECT_TRUE(stores[0].config.read_only);
  EXPECT_EQ(stores[1].config.path, "/data");
  EXPECT_EQ(stores[1].folder, "");
}

TEST(ConfigFileTest, Mistakes_are_refused_with_their_place) {
  EXPECT_THAT(parse_config_file("[[store]]\nPaht = \"/x\""),
              FailsSaying(ErrorCode::kInvalidArgument, "did you mean Path?"));
  EXPECT_THAT(parse_config_file("[[store]]\nName = \"x\""), FailsSaying(ErrorCode::kInvalidArgument, "line 1"));
  std::string deep;  // a key of so many parts overran the parser's stack
  for (int i = 0; i < 200'000; ++i) deep += "a.";
  EXPECT_THAT(parse_config_file(deep + "a = 1"), FailsSaying(ErrorCode::kInvalidArgument, "too many dots"));
  EXPECT_THAT(parse_config_file("[[store"), FailsSaying(ErrorCode::kInvalidArgument, "malformed TOML at line 1"));
  for (const char* text : {"x = 1", "store = 1", "[store]", "[[store]]\nPath = 1", "[[store]]\nPath='a'\nMeta=1",
                           "[[store]]\nPath='a'\n[store.Meta]\nX=[1]", "[[store]]\nPath='a'\nReadOnly='x'"}) {
    EXPECT_THAT(parse_config_file(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ConfigFileTest, Missing_file_is_named) {
  EXPECT_THAT(read_config_file("/nowhere/scabbard.toml"), FailsSaying(ErrorCode::kNotFound, "/nowhere/scabbard.toml"));
}

}  // namespace
}  // namespace scabbard
