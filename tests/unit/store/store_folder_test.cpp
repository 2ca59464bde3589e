#include "store/store_folder.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "scabbard/store.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {
namespace {

namespace fs = std::filesystem;

TEST(StoreNameTest, Is_the_last_part_of_a_folder) {
  EXPECT_EQ(store_name_for("/mnt/store-1"), "store-1");
  EXPECT_EQ(store_name_for("/mnt/Sealed Sectors"), "sealed-sectors");
  EXPECT_EQ(store_name_for("/mnt/a__b"), "a-b");
  EXPECT_EQ(store_name_for("/mnt/-x-"), "x");
}

TEST(StoreNameTest, Is_all_of_a_url_but_its_scheme) {
  EXPECT_EQ(store_name_for("s3://sectors/f01000"), "sectors-f01000");
  EXPECT_EQ(store_name_for("file:///mnt/store"), "mnt-store");
}

TEST(StoreNameTest, Is_never_empty_and_never_too_long_for_a_host) {
  EXPECT_EQ(store_name_for("/mnt/***"), "store");
  EXPECT_EQ(store_name_for("/"), "store");
  EXPECT_EQ(store_name_for("/mnt/" + std::string(100, 'a')), std::string(63, 'a'));
  EXPECT_EQ(store_name_for("/mnt/" + std::string(62, 'a') + "-b"), std::string(62, 'a'));
}

class StoreFolderTest : public ::testing::Test {
 protected:
  Result<void> make(const std::string& below, const StoreFile& file) {
    return make_store_folder({}, folder_.string() + "/" + below, file);
  }
  bool exists(const std::string& below) const { return fs::exists(folder_ / below); }

  TemporaryFolder folder_;
};

StoreFile named(const std::string& name) { return {.name = name, .plugin_name = "scabbard", .meta = {}}; }

TEST_F(StoreFolderTest, Made_folder_opens_as_what_was_asked_for) {
  StoreFile file = named("store-1");
  file.meta = {{"Timeout", "30s"}};
  file.read_only = true;
  ASSERT_THAT(make("store", file), Succeeds());
  auto store = value_of(value_of(Locator::create())->resolve({}, folder_.string() + "/store")).store;
  EXPECT_EQ(store->config().name, "store-1");
  EXPECT_EQ(store->config().meta.at("Timeout"), "30s");
  EXPECT_TRUE(store->config().read_only);
}

TEST_F(StoreFolderTest, Folder_with_objects_can_become_a_store) {
  fs::create_directories(folder_ / "store/sealed");
  EXPECT_THAT(make("store", named("a")), Succeeds());
}

TEST_F(StoreFolderTest, Store_is_not_made_again_nor_in_another) {
  ASSERT_THAT(make("store", named("a")), Succeeds());
  EXPECT_THAT(make("store", named("b")), FailsSaying(ErrorCode::kAlreadyExists, "is a store already"));
  EXPECT_THAT(make("store/inner", named("b")), FailsSaying(ErrorCode::kAlreadyExists, "lies in the store"));
  EXPECT_FALSE(exists("store/inner"));
}

TEST_F(StoreFolderTest, Folder_below_another_plugins_store_may_be_one) {
  std::ofstream(folder_ / "sectorstore.json") << R"({"Name":"theirs","PluginName":"fsstore"})";
  EXPECT_THAT(make("store", named("a")), Succeeds());
}

TEST_F(StoreFolderTest, Only_the_last_folder_is_made) {
  EXPECT_THAT(make("missing/store", named("a")), FailsWith(ErrorCode::kNotFound));
  EXPECT_FALSE(exists("missing"));
  EXPECT_THAT(make_store_folder({}, "/", named("a")), FailsWith(ErrorCode::kInvalidPath));
}

TEST_F(StoreFolderTest, Store_that_could_not_be_opened_is_not_made) {
  StoreFile unknown_option = named("a");
  unknown_option.meta = {{"Timout", "1s"}};
  EXPECT_THAT(make("store", unknown_option), FailsSaying(ErrorCode::kInvalidArgument, "Timout"));
  StoreFile unknown_scheme = named("a");
  unknown_scheme.meta = {{"Url", "ftp://host/objects"}};
  EXPECT_THAT(make("store", unknown_scheme), FailsSaying(ErrorCode::kUnsupported, "ftp"));
  for (const char* name : {"", "a b", "a/b"}) {
    EXPECT_THAT(make("store", named(name)), FailsWith(ErrorCode::kInvalidPath)) << name;
  }
  EXPECT_THAT(make("store", named(std::string(64, 'a'))), FailsWith(ErrorCode::kInvalidPath));
  EXPECT_FALSE(exists("store"));
}

}  // namespace
}  // namespace scabbard
