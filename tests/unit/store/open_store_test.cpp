// What a store's configuration may look like, and what a wrong one gets.
#include <gmock/gmock.h>

#include <fstream>

#include "scabbard/store.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

StoreConfig at(std::string path, std::map<std::string, std::string> meta = {}) {
  return {.name = {}, .path = std::move(path), .meta = std::move(meta), .read_only = false};
}

void write_store_file(const TemporaryFolder& folder, std::string_view text) {
  std::ofstream(folder / "sectorstore.json") << text;
}

TEST(OpenStoreTest, Plain_folder_keeps_objects_in_itself) {
  TemporaryFolder folder;
  auto store = value_of(open_store(at(folder.string())));
  EXPECT_EQ(store->config().name, folder.string());
  EXPECT_EQ(store->location("sealed/s-t01000-7"), folder.string() + "/sealed/s-t01000-7");
  EXPECT_TRUE(store->capabilities().local_files);
  EXPECT_THAT(put_text(*store, {}, "a", "text"), Succeeds());
  EXPECT_TRUE(std::filesystem::exists(folder / "a"));
}

TEST(OpenStoreTest, Configured_name_is_kept_verbatim) {
  TemporaryFolder folder;
  StoreConfig config = at(folder.string());
  config.name = " odd / name ";
  EXPECT_EQ(value_of(open_store(config))->config().name, " odd / name ");
}

TEST(OpenStoreTest, Path_is_made_absolute_and_plain) {
  TemporaryFolder folder;
  auto store = value_of(open_store(at(folder.string() + "/./x/../")));
  EXPECT_EQ(store->config().path, folder.string());
}

TEST(OpenStoreTest, File_url_is_a_folder) {
  TemporaryFolder folder;
  auto store = value_of(open_store(at("file://" + folder.string())));
  EXPECT_EQ(store->location("a"), folder.string() + "/a");
  EXPECT_THAT(put_text(*store, {}, "a", "text"), Succeeds());
  EXPECT_TRUE(std::filesystem::exists(folder / "a"));
}

TEST(OpenStoreTest, Store_folder_keeps_objects_where_its_url_says) {
  TemporaryFolder folder;
  TemporaryFolder data;
  write_store_file(folder,
                   R"({"Name":"a-store","PluginName":"scabbard","Meta":{"Url":"file://)" + data.string() + "\"}}");
  auto store = value_of(open_store(at(folder.string())));
  EXPECT_EQ(store->config().name, "a-store");
  EXPECT_THAT(put_text(*store, {}, "x", "text"), Succeeds());
  EXPECT_TRUE(std::filesystem::exists(data / "x"));
  EXPECT_EQ(store->location("x"), folder.string() + "/x");
  EXPECT_FALSE(store->capabilities().local_files);
}

TEST(OpenStoreTest, Configuration_wins_over_the_store_folders_own) {
  TemporaryFolder folder;
  TemporaryFolder data;
  write_store_file(folder, R"({"Name":"theirs","PluginName":"scabbard","Meta":{"Url":"file:///nowhere"}})");
  StoreConfig config = at(folder.string(), {{"Url", "file://" + data.string()}});
  config.name = "mine";
  auto store = value_of(open_store(config));
  EXPECT_EQ(store->config().name, "mine");
  EXPECT_THAT(put_text(*store, {}, "x", "text"), Succeeds());
  EXPECT_TRUE(std::filesystem::exists(data / "x"));
}

// Whatever the spelling on either side.
TEST(OpenStoreTest, Options_are_one_by_name_and_not_by_spelling) {
  TemporaryFolder folder;
  TemporaryFolder data;
  write_store_file(folder, R"({"PluginName":"scabbard","Meta":{"URL":"file:///nowhere","time_out":"1h"}})");
  auto store = value_of(open_store(at(folder.string(), {{"url", "file://" + data.string()}, {"Timeout", "9s"}})));
  EXPECT_THAT(put_text(*store, {}, "x", "text"), Succeeds());
  EXPECT_TRUE(std::filesystem::exists(data / "x"));
  EXPECT_THAT(open_store(at(folder.string(), {{"url", "file:///a"}, {"u-r-l", "file:///b"}})),
              FailsSaying(ErrorCode::kInvalidArgument, "given twice"));
  EXPECT_THAT(open_store(at(data.string(), {{"Url", ""}})), FailsSaying(ErrorCode::kInvalidArgument, "is empty"));
}

TEST(OpenStoreTest, Wrong_option_is_looked_for_where_it_stands) {
  TemporaryFolder folder;
  write_store_file(folder, R"({"PluginName":"scabbard","Meta":{"Tiemout":"5s"}})");
  EXPECT_THAT(open_store(at(folder.string())), FailsSaying(ErrorCode::kInvalidArgument, "sectorstore.json"));
  write_store_file(folder, R"({"PluginName":"scabbard","Meta":{"Url":"gopher://x"}})");
  EXPECT_THAT(open_store(at(folder.string())), FailsSaying(ErrorCode::kUnsupported, "sectorstore.json"));
  write_store_file(folder, R"({"PluginName":"scabbard","Meta":{"Timeout":"5s"}})");
  auto configured = open_store(at(folder.string(), {{"Gaurd", "auto"}}));
  EXPECT_THAT(configured, FailsSaying(ErrorCode::kInvalidArgument, "did you mean Guard?"));
  EXPECT_THAT(configured.error().message, Not(HasSubstr("sectorstore.json")));
}

TEST(OpenStoreTest, Another_plugins_store_file_is_left_alone) {
  TemporaryFolder folder;
  write_store_file(folder, R"({"Name":"theirs","PluginName":"other","Meta":{"Url":"s3://x","Their":"option"}})");
  EXPECT_EQ(value_of(open_store(at(folder.string())))->config().name, folder.string());
}

TEST(OpenStoreTest, Malformed_store_file_is_refused_by_name) {
  TemporaryFolder folder;
  write_store_file(folder, "{nonsense");
  EXPECT_THAT(open_store(at(folder.string())), FailsSaying(ErrorCode::kInvalidArgument, "sectorstore.json"));
}

TEST(OpenStoreTest, Missing_folder_is_not_found) {
  EXPECT_THAT(open_store(at("/nowhere/at/all")), FailsSaying(ErrorCode::kNotFound, "/nowhere/at/all"));
}

TEST(OpenStoreTest, File_in_place_of_a_folder_is_refused) {
  TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_THAT(open_store(at((folder / "file").string())), FailsSaying(ErrorCode::kInvalidArgument, "not a folder"));
}

TEST(OpenStoreTest, Unknown_scheme_names_those_there_are) {
  EXPECT_THAT(open_store(at("gopher://x/y")), FailsSaying(ErrorCode::kUnsupported, "file"));
}

TEST(OpenStoreTest, Credentials_in_a_url_are_refused_and_not_repeated) {
  auto store = open_store(at("file://user:hunter2@host/data"));
  EXPECT_THAT(store, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(store.error().message, Not(HasSubstr("hunter2")));
  for (const char* url : {"file://host/data?secret=hunter2", "file:///data?token=hunter2%zz"}) {
    EXPECT_THAT(open_store(at(url)).error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(OpenStoreTest, Empty_path_and_foreign_file_urls_are_refused) {
  for (const char* path : {"", "file://elsewhere/data", "file://", "file://data"}) {
    EXPECT_THAT(open_store(at(path)), FailsWith(ErrorCode::kInvalidArgument)) << path;
  }
}

StoreConfig drop_in_at(std::string path, std::map<std::string, std::string> meta = {}) {
  StoreConfig config = at(std::move(path), std::move(meta));
  config.drop_in = true;
  return config;
}

// What opening it says in the log.
std::string warnings_of_opening(const StoreConfig& config) {
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(open_store(config), Succeeds());
  return ::testing::internal::GetCapturedStderr();
}

TEST(OpenStoreTest, Drop_in_ignores_what_it_cannot_use_and_warns_of_each) {
  TemporaryFolder folder;
  auto said = warnings_of_opening(
      drop_in_at(folder.string(),
                 {{"Tiemout", "5s"}, {"guard", "perhaps"}, {"url", "file:///x"}, {"Timeout", "never"}, {"", "x"}}));
  for (const char* warning : {"option \"Tiemout\"", "option Guard", "option Url", "option Timeout", "option \"\""}) {
    EXPECT_THAT(said, HasSubstr(warning));
  }
  EXPECT_THAT(said, Not(HasSubstr("perhaps")));
  auto twice = warnings_of_opening(drop_in_at(folder.string(), {{"Timeout", "5s"}, {"time-out", "6s"}}));
  EXPECT_THAT(twice, HasSubstr("given twice"));
}

TEST(OpenStoreTest, Drop_in_heeds_the_options_it_knows) {
  TemporaryFolder folder;
  EXPECT_TRUE(value_of(open_store(drop_in_at(folder.string(), {{"Guard", "never"}})))->capabilities().immediate);
  EXPECT_FALSE(value_of(open_store(drop_in_at(folder.string(), {{"Guard", "always"}})))->capabilities().immediate);
}

TEST(OpenStoreTest, Drop_in_keeps_objects_in_its_folder_whatever_sends_them_elsewhere) {
  TemporaryFolder folder;
  TemporaryFolder data;
  const std::string url = "file://" + data.string();
  for (const std::string& text :
       {R"({"Name":"n","PluginName":"scabbard","ReadOnly":true,"Meta":{"Url":")" + url + "\"}}",
        std::string("{nonsense"), std::string(R"({"PluginName":"fsstore","Meta":{"a":"b"}})")}) {
    write_store_file(folder, text);
    auto store = value_of(open_store(drop_in_at(folder.string(), {{"Url", url}})));
    EXPECT_EQ(store->config().name, folder.string());
    EXPECT_THAT(put_text(*store, {}, "x", "text"), Succeeds());
    EXPECT_TRUE(std::filesystem::remove(folder / "x")) << text;
    EXPECT_TRUE(store->capabilities().local_files);
  }
}

TEST(OpenStoreTest, Drop_in_warns_where_plugin_scabbard_would_keep_the_objects_elsewhere) {
  TemporaryFolder folder;
  for (const char* silent :
       {R"({"PluginName":"scabbard","Meta":{"Timeout":"5s"}})", R"({"Meta":{"Url":"file:///x"}})"}) {
    write_store_file(folder, silent);
    EXPECT_THAT(warnings_of_opening(drop_in_at(folder.string())), Not(HasSubstr("elsewhere")));
  }
  write_store_file(folder, R"({"PluginName":"scabbard","Meta":{"url":"file:///x"}})");
  EXPECT_THAT(warnings_of_opening(drop_in_at(folder.string())), HasSubstr("elsewhere"));
}

TEST(OpenStoreTest, Path_of_a_drop_in_is_a_folder_and_never_a_url) {
  TemporaryFolder folder;
  EXPECT_THAT(open_store(drop_in_at("file://" + folder.string())), FailsWith(ErrorCode::kNotFound));
}

TEST(OpenStoreTest, Stores_of_one_filesystem_say_so) {
  TemporaryFolder one;
  TemporaryFolder two;
  auto first = value_of(value_of(open_store(at(one.string())))->space({}));
  auto second = value_of(value_of(open_store(at(two.string())))->space({}));
  EXPECT_EQ(first.filesystem, second.filesystem);
  EXPECT_FALSE(first.filesystem.empty());
  EXPECT_GE(first.total, first.free);
}

}  // namespace
}  // namespace scabbard
