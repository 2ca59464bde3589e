#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "scabbard/store.hpp"
#include "support/environment_variable.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {
namespace {

namespace fs = std::filesystem;

class LocatorTest : public ::testing::Test {
 protected:
  Location resolve(const std::string& location) { return value_of(locator_->resolve({}, location)); }

  void make_store_folder(const std::string& below, std::string_view plugin) {
    fs::create_directories(folder_ / below);
    std::ofstream(folder_ / below / "sectorstore.json")
        << R"({"Name":")" << below << R"(","PluginName":")" << plugin << "\"}";
  }

  TemporaryFolder folder_;
  std::unique_ptr<Locator> locator_ = value_of(Locator::create());
};

TEST_F(LocatorTest, Path_in_a_store_folder_is_an_object_of_that_store) {
  make_store_folder("store", "scabbard");
  auto found = resolve(folder_.string() + "/store/sealed/s-t01000-7");
  EXPECT_EQ(found.store->config().name, "store");
  EXPECT_EQ(found.object, "sealed/s-t01000-7");
}

TEST_F(LocatorTest, Store_folder_itself_is_the_store) {
  make_store_folder("store", "scabbard");
  for (const char* end : {"", "/", "/."}) EXPECT_EQ(resolve(folder_.string() + "/store" + end).object, "") << end;
}

TEST_F(LocatorTest, One_store_is_opened_once) {
  make_store_folder("store", "scabbard");
  EXPECT_EQ(resolve(folder_.string() + "/store/a").store, resolve(folder_.string() + "/store/b/c").store);
}

TEST_F(LocatorTest, Nearest_store_folder_wins) {
  make_store_folder("outer", "scabbard");
  make_store_folder("outer/inner", "scabbard");
  EXPECT_EQ(resolve(folder_.string() + "/outer/inner/a").store->config().name, "outer/inner");
  EXPECT_EQ(resolve(folder_.string() + "/outer/a").store->config().name, "outer");
}

TEST_F(LocatorTest, Another_plugins_store_folder_ends_the_search) {
  make_store_folder("outer", "scabbard");
  make_store_folder("outer/theirs", "fsstore");
  auto found = resolve(folder_.string() + "/outer/theirs/a");
  EXPECT_EQ(found.store->config().path, folder_.string() + "/outer/theirs");
  EXPECT_EQ(found.object, "a");
}

TEST_F(LocatorTest, Read_only_holds_for_another_plugins_store) {
  fs::create_directories(folder_ / "theirs");
  std::ofstream(folder_ / "theirs/sectorstore.json") << R"({"Name":"x","PluginName":"fsstore","ReadOnly":true})";
  EXPECT_TRUE(resolve(folder_.string() + "/theirs/a").store->config().read_only);
}

TEST_F(LocatorTest, Store_file_that_somebody_else_put_into_a_folder_for_all_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  make_store_folder("tmp", "scabbard");
  ASSERT_EQ(::chown((folder_ / "tmp/sectorstore.json").c_str(), 54321, 54321), 0);
  EXPECT_EQ(resolve(folder_.string() + "/tmp/a").store->config().name, "tmp") << "a folder that not all may write to";
  ASSERT_EQ(::chmod((folder_ / "tmp").c_str(), 01777), 0);
  auto locator = value_of(Locator::create());
  EXPECT_THAT(locator->resolve({}, folder_.string() + "/tmp/a"),
              FailsSaying(ErrorCode::kPermissionDenied, "not trusted"));
}

TEST_F(LocatorTest, Way_back_from_a_link_is_refused) {
  fs::create_directories(folder_ / "elsewhere/deep");
  fs::create_directory_symlink(folder_ / "elsewhere/deep", folder_ / "link");
  EXPECT_THAT(locator_->resolve({}, folder_.string() + "/link/../a"),
              FailsSaying(ErrorCode::kInvalidPath, "is a link"));
  EXPECT_EQ(resolve(folder_.string() + "/elsewhere/../a").object, "a");
}

TEST_F(LocatorTest, Path_in_no_store_is_a_local_file) {
  auto found = resolve(folder_.string() + "/not/there/yet");
  EXPECT_EQ(found.store->config().path, folder_.string());
  EXPECT_EQ(found.object, "not/there/yet");
}

TEST_F(LocatorTest, Dots_are_resolved_before_the_search) {
  make_store_folder("store", "scabbard");
  EXPECT_EQ(resolve(folder_.string() + "/other/../store/./a").object, "a");
  auto outside = resolve(folder_.string() + "/store/../a");
  EXPECT_EQ(outside.store->config().path, folder_.string());
}

TEST_F(LocatorTest, Malformed_store_file_on_the_way_is_an_error) {
  fs::create_directories(folder_ / "store");
  std::ofstream(folder_ / "store" / "sectorstore.json") << "{";
  EXPECT_THAT(locator_->resolve({}, folder_.string() + "/store/a"),
              FailsSaying(ErrorCode::kInvalidArgument, "sectorstore.json"));
}

TEST_F(LocatorTest, Configured_url_is_found_by_its_longest_prefix) {
  fs::create_directories(folder_ / "data/deep");
  std::string url = "file://" + folder_.string() + "/data";
  std::ofstream(folder_ / "scabbard.toml") << "[[store]]\nName='wide'\nPath='" << url << "/'\n"
                                           << "[[store]]\nName='deep'\nPath='" << url << "/deep'\n";
  auto locator = value_of(Locator::create((folder_ / "scabbard.toml").string()));
  EXPECT_EQ(value_of(locator->resolve({}, url + "/a/b")).store->config().name, "wide");
  auto deep = value_of(locator->resolve({}, url + "/deep/a"));
  EXPECT_EQ(deep.store->config().name, "deep");
  EXPECT_EQ(deep.object, "a");
  EXPECT_EQ(value_of(locator->named("deep")), deep.store);
  EXPECT_EQ(value_of(locator->resolve({}, url)).object, "");
}

TEST_F(LocatorTest, Configuration_file_is_named_by_environment) {
  std::ofstream(folder_ / "scabbard.toml") << "[[store]]\nName='named'\nPath='file://" << folder_.string() << "'\n";
  const EnvironmentVariable config("SCABBARD_CONFIG", folder_ / "scabbard.toml");
  auto locator = Locator::create();
  EXPECT_THAT(value_of(std::move(locator))->named("named"), Succeeds());
}

TEST_F(LocatorTest, Unconfigured_url_says_what_to_do) {
  EXPECT_THAT(locator_->resolve({}, "s3://bucket/a"), FailsSaying(ErrorCode::kNotFound, "SCABBARD_CONFIG"));
}

TEST_F(LocatorTest, Unknown_name_and_empty_location_are_refused) {
  EXPECT_THAT(locator_->named("nobody"), FailsSaying(ErrorCode::kNotFound, "nobody"));
  EXPECT_THAT(locator_->resolve({}, ""), FailsWith(ErrorCode::kInvalidPath));
  EXPECT_THAT(locator_->resolve({}, std::string("a\0b", 3)), FailsWith(ErrorCode::kInvalidPath));
}

}  // namespace
}  // namespace scabbard
