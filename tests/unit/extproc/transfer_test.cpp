// What the stock processor does, case by case (docs/semantics.md says where this one differs), and what it leaves out.
#include "extproc/transfer.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "sector/manifest.hpp"
#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::extproc {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using scripted::ScriptedServer;

class Undisplayed final : public TransferDisplay {
 public:
  std::atomic<std::uint64_t>* bytes() override { return &bytes_; }
  void finished_object() override {}

 private:
  std::atomic<std::uint64_t> bytes_ = 0;
};

class TransferTest : public ::testing::Test {
 protected:
  TransferTest() {
    reports_.begin = [](std::string_view, std::uint64_t, std::uint64_t) { return std::make_unique<Undisplayed>(); };
    reports_.tell = [this](const std::string& line) { told_ += line + "\n"; };
  }

  std::string path(std::string_view name) const { return (folder_ / name).string(); }

  void write(std::string_view name, std::string_view text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string read(std::string_view name) const {
    std::stringstream text;
    text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return text.str();
  }

  /// Makes a folder a store of that name in a bucket of the server.
  void make_store(const std::string& folder, const std::string& name, const ScriptedServer& server) const {
    const Json file = {{"Name", name},
                       {"PluginName", "scabbard"},
                       {"Meta", {{"Url", "s3://bucket/" + name}, {"Endpoint", server.url()}, {"Anonymous", "true"}}}};
    write(folder + "/sectorstore.json", file.dump());
  }

  static Json end(const std::string& uri, const Json& store = nullptr) { return {{"store_name", store}, {"uri", uri}}; }
  Json local(std::string_view name) const { return end(path(name)); }

  static Json route(const Json& source, const Json& destination, const Json& options = nullptr) {
    return {{"src", source}, {"dest", destination}, {"opt", options}};
  }

  Result<Json> run(const Json& routes, const Json& stores = Json::object()) {
    return Transfer(*locator_, options_, reports_).run({}, {{"stores", stores}, {"routes", routes}});
  }
  Result<Json> transfer(const Json& source, const Json& destination, const Json& options = nullptr) {
    return run(Json::array({route(source, destination, options)}));
  }
  Result<Json> link(const Json& source, const Json& destination) {
    return transfer(source, destination,
                    {{"is_dir", fs::is_directory(source["uri"].get<std::string>())}, {"allow_link", true}});
  }

  const TemporaryFolder folder_;
  TransferOptions options_;
  TransferReports reports_;
  std::string told_;
  const std::unique_ptr<Locator> locator_ = value_of(Locator::create());
};

TEST_F(TransferTest, File_goes_into_folders_that_are_made) {
  write("file", "content");
  fs::permissions(folder_ / "file", fs::perms::owner_read);
  EXPECT_THAT(transfer(local("file"), local("a/b/file")), Gives(Json(true)));
  EXPECT_EQ(read("a/b/file"), "content");
  EXPECT_NE(fs::status(folder_ / "a/b/file").permissions() & fs::perms::owner_write, fs::perms::none);
}

TEST_F(TransferTest, File_replaces_a_file_also_a_read_only_one) {
  write("file", "new");
  write("there", "old and longer");
  fs::permissions(folder_ / "there", fs::perms::owner_read);
  EXPECT_THAT(transfer(local("file"), local("there")), Succeeds());
  EXPECT_EQ(read("there"), "new");
}

TEST_F(TransferTest, File_replaces_a_link_and_not_what_it_leads_to) {
  write("file", "new");
  write("object-of-a-store", "old");
  fs::create_symlink(path("object-of-a-store"), path("link"));
  EXPECT_THAT(transfer(local("file"), local("link")), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("link")));
  EXPECT_EQ(read("link"), "new");
  EXPECT_EQ(read("object-of-a-store"), "old");
}

TEST_F(TransferTest, Link_to_a_disk_that_is_not_mounted_is_left_alone) {
  write("file", "new");
  write("attached/other", "");
  fs::create_symlink(path("disk/object"), path("attached/link"));
  options_.give_up_after = std::chrono::nanoseconds(0);
  EXPECT_FALSE(transfer(local("file"), local("attached/link")));
  EXPECT_TRUE(fs::is_symlink(path("attached/link")));
  EXPECT_FALSE(fs::exists(path("disk")));
}

TEST_F(TransferTest, What_is_there_has_to_be_of_the_same_kind) {
  write("file", "content");
  write("folder/file", "old");
  EXPECT_THAT(transfer(local("file"), local("folder")),
              FailsSaying(ErrorCode::kInvalidPath, "dest entry type is different with src, is_dir=false"));
  EXPECT_THAT(transfer(local("folder"), local("file")),
              FailsSaying(ErrorCode::kInvalidPath, "dest entry type is different with src, is_dir=true"));
  EXPECT_EQ(read("file"), "content");
  EXPECT_EQ(read("folder/file"), "old");
}

TEST_F(TransferTest, Folder_goes_with_all_in_it_whatever_is_said_of_its_kind) {
  write("folder/a", "A");
  write("folder/sub/b", "B");
  for (const Json& options : {Json(nullptr), Json{{"is_dir", true}}, Json{{"is_dir", false}, {"allow_link", false}}}) {
    fs::remove_all(path("copy"));
    EXPECT_THAT(transfer(local("folder"), local("copy"), options), Succeeds());
    EXPECT_EQ(read("copy/a") + read("copy/sub/b"), "AB");
  }
}

TEST_F(TransferTest, Links_in_a_folder_become_files) {
  write("elsewhere", "content");
  fs::create_directories(path("folder"));
  fs::create_symlink(path("elsewhere"), path("folder/link"));
  EXPECT_THAT(transfer(local("folder"), local("copy")), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("copy/link")));
  EXPECT_EQ(read("copy/link"), "content");
}

TEST_F(TransferTest, Folder_with_a_link_to_nowhere_leaves_nothing_behind) {
  write("folder/a", "A");
  fs::create_symlink(path("missing"), path("folder/link"));
  EXPECT_THAT(transfer(local("folder"), local("copy")), FailsSaying(ErrorCode::kInvalidPath, "a link to nowhere"));
  EXPECT_FALSE(fs::exists(path("copy")));
}

TEST_F(TransferTest, Folder_replaces_a_folder) {
  write("folder/a", "new");
  write("there/a", "old");
  write("there/extra", "old");
  EXPECT_THAT(transfer(local("folder"), local("there")), Succeeds());
  EXPECT_EQ(read("there/a"), "new");
  EXPECT_FALSE(fs::exists(path("there/extra")));
}

TEST_F(TransferTest, Folder_replaces_a_link_and_not_what_it_leads_to) {
  write("folder/a", "new");
  write("of-a-store/a", "old");
  write("of-a-store/b", "old");
  fs::create_directory_symlink(path("of-a-store"), path("link"));
  EXPECT_THAT(transfer(local("folder"), local("link")), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("link")));
  EXPECT_EQ(read("link/a"), "new");
  EXPECT_EQ(read("of-a-store/a") + read("of-a-store/b"), "oldold");
}

TEST_F(TransferTest, Empty_folder_is_a_success_and_makes_nothing) {
  fs::create_directories(path("folder"));
  EXPECT_THAT(transfer(local("folder"), local("copy")), Succeeds());
  EXPECT_FALSE(fs::exists(path("copy")));
}

TEST_F(TransferTest, Link_is_made_where_one_is_allowed_in_the_place_of_a_file_or_a_folder) {
  write("file", "content");
  write("folder/a", "A");
  write("a-file", "old");
  write("a-folder/extra", "old");
  EXPECT_THAT(link(local("file"), local("made/link")), Succeeds());
  EXPECT_EQ(fs::read_symlink(path("made/link")), path("file"));
  EXPECT_THAT(link(local("file"), local("a-file")), Succeeds());
  EXPECT_EQ(fs::read_symlink(path("a-file")), path("file"));
  EXPECT_THAT(link(local("folder"), local("a-folder")), Succeeds());
  EXPECT_EQ(fs::read_symlink(path("a-folder")), path("folder"));
  EXPECT_THAT(link(local("missing"), local("link")), FailsSaying(ErrorCode::kNotFound, "src path not exists"));
}

TEST_F(TransferTest, No_link_is_made_where_links_are_disabled) {
  options_.links = false;
  write("file", "content");
  EXPECT_THAT(link(local("file"), local("copy")), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("copy")));
}

TEST_F(TransferTest, Source_that_is_a_link_is_what_it_leads_to) {
  write("file", "content");
  write("folder/a", "A");
  fs::create_symlink(path("file"), path("to-file"));
  fs::create_directory_symlink(path("folder"), path("to-folder"));
  EXPECT_THAT(transfer(local("to-file"), local("copy")), Succeeds());
  EXPECT_THAT(transfer(local("to-folder"), local("copies")), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("copy")));
  EXPECT_EQ(read("copy") + read("copies/a"), "contentA");
}

TEST_F(TransferTest, Source_that_is_missing_is_named) {
  EXPECT_THAT(transfer(local("missing"), local("copy")),
              FailsSaying(ErrorCode::kNotFound, "src path not exists: " + path("missing")));
}

TEST_F(TransferTest, Holes_stay_holes) {
  write("file", "");
  fs::resize_file(folder_ / "file", 16 << 20);
  EXPECT_THAT(transfer(local("file"), local("copy")), Succeeds());
  struct stat status{};
  ASSERT_EQ(::stat(path("copy").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 16 << 20);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
}

TEST_F(TransferTest, Source_and_destination_that_are_one_stay_as_they_are) {
  write("folder/file", "content");
  fs::create_directory_symlink(path("folder"), path("link"));
  for (const char* destination : {"folder/file", "folder/../folder/file", "link/file"}) {
    EXPECT_THAT(transfer(local("folder/file"), local(destination)), Succeeds()) << destination;
    EXPECT_THAT(link(local("folder/file"), local(destination)), Succeeds()) << destination;
  }
  EXPECT_THAT(transfer(local("folder"), local("folder")), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("folder/file")));
  EXPECT_EQ(read("folder/file"), "content");
}

TEST_F(TransferTest, Folder_is_not_copied_into_itself) {
  write("folder/file", "content");
  EXPECT_THAT(transfer(local("folder"), local("folder/sub")), FailsSaying(ErrorCode::kInvalidPath, "into itself"));
  EXPECT_FALSE(fs::exists(path("folder/sub")));
}

// Each would replace what it copies.
TEST_F(TransferTest, Ends_that_lie_in_each_other_are_refused_and_left_as_they_are) {
  write("a/b/f", "F");
  write("a/g", "G");
  fs::create_directory_symlink(path("a"), path("link"));
  for (const auto& [source, destination] :
       {std::pair{"a/b", "a"}, {"a", "a/b"}, {"link/b", "a"}, {"a/b", "link"}, {"link", "a/b"}}) {
    EXPECT_THAT(transfer(local(source), local(destination)), FailsWith(ErrorCode::kInvalidPath)) << source;
    EXPECT_THAT(link(local(source), local(destination)), FailsWith(ErrorCode::kInvalidPath)) << source;
  }
  EXPECT_EQ(read("a/b/f") + read("a/g"), "FG");
  EXPECT_TRUE(fs::is_symlink(path("link")));
}

TEST_F(TransferTest, What_a_link_leads_to_is_not_linked_to_that) {
  write("store/object", "content");
  fs::create_symlink(path("store/object"), path("link"));
  EXPECT_THAT(link(local("link"), local("store/object")), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("store/object")));
  EXPECT_EQ(read("link"), "content");
}

TEST_F(TransferTest, Store_is_not_replaced_by_a_folder) {
  const ScriptedServer server;
  make_store("disk/store", "s3-a", server);
  write("disk/of-files/sectorstore.json", R"({"Name": "b", "PluginName": "scabbard"})");
  write("disk/of-files/sealed/x", "object");
  write("folder/f", "F");
  EXPECT_THAT(transfer(local("folder"), end(path("disk/of-files"), "b")), FailsWith(ErrorCode::kInvalidPath));
  for (const char* destination : {"disk", "disk/of-files", "disk/store"}) {
    EXPECT_THAT(transfer(local("folder"), local(destination)), FailsWith(ErrorCode::kInvalidPath)) << destination;
    EXPECT_THAT(link(local("folder"), local(destination)), FailsWith(ErrorCode::kInvalidPath)) << destination;
  }
  EXPECT_EQ(read("disk/of-files/sealed/x"), "object");
}

// As an empty mount point is one.
TEST_F(TransferTest, Folder_that_is_empty_replaces_none_that_is_not) {
  fs::create_directories(path("folder"));
  write("there/a", "old");
  EXPECT_THAT(transfer(local("folder"), local("there")), FailsSaying(ErrorCode::kInvalidPath, "is its disk mounted?"));
  EXPECT_EQ(read("there/a"), "old");
}

TEST_F(TransferTest, Links_in_the_folder_that_is_replaced_are_not_written_through) {
  write("of-a-store/f", "old");
  write("folder/sub/f", "new");
  write("folder/f", "new");
  fs::create_directories(path("there"));
  fs::create_directory_symlink(path("of-a-store"), path("there/sub"));
  fs::create_symlink(path("of-a-store/f"), path("there/f"));
  EXPECT_THAT(transfer(local("folder"), local("there")), Succeeds());
  EXPECT_EQ(read("of-a-store/f"), "old");
  EXPECT_EQ(read("there/sub/f") + read("there/f"), "newnew");
  EXPECT_FALSE(fs::is_symlink(path("there/sub")));
}

TEST_F(TransferTest, Two_at_once_to_one_place_are_done_one_after_the_other) {
  for (int i = 0; i < 60; ++i) {
    write("first/" + std::to_string(i), "1");
    write("second/" + std::to_string(i + 30), "2");
    write("there/" + std::to_string(i), "0");
  }
  const Transfer both(*locator_, options_, reports_);
  const auto send = [&](const char* source) {
    return both.run({}, {{"routes", Json::array({route(local(source), local("there"))})}});
  };
  {
    const std::jthread other([&] { EXPECT_THAT(send("first"), Succeeds()); });
    EXPECT_THAT(send("second"), Succeeds());
  }
  std::set<std::string> contents;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(path("there"))) {
    contents.insert(read("there/" + entry.path().filename().string()));
    ++count;
  }
  EXPECT_EQ(count, 60U);
  EXPECT_EQ(contents.size(), 1U);
}

TEST_F(TransferTest, Relative_paths_are_refused_and_ways_back_are_gone) {
  write("file", "content");
  EXPECT_THAT(transfer(end("file"), local("copy")), FailsSaying(ErrorCode::kInvalidPath, "src path is relative"));
  EXPECT_THAT(transfer(local("file"), end("copy")), FailsSaying(ErrorCode::kInvalidPath, "dest path is relative"));
  EXPECT_THAT(transfer(local("missing/../file"), local("a/../copy")), Succeeds());
  EXPECT_EQ(read("copy"), "content");
}

TEST_F(TransferTest, Routes_are_taken_one_after_the_other_until_one_fails) {
  write("a", "A");
  write("b", "B");
  EXPECT_THAT(run(Json::array()), Succeeds());
  EXPECT_THAT(run({route(local("a"), local("copy")), route(local("b"), local("copy"))}), Succeeds());
  EXPECT_EQ(read("copy"), "B");
  EXPECT_FALSE(run({route(local("a"), local("first")), route(local("missing"), local("second"))}));
  EXPECT_EQ(read("first"), "A");
}

TEST_F(TransferTest, Malformed_task_is_an_error) {
  for (const char* task :
       {"null", "7", "{}", R"({"routes":7})", R"({"routes":[{}]})", R"({"routes":[{"src":{},"dest":{}}]})",
        R"({"routes":[{"src":{"uri":7},"dest":{"uri":"/a"}}]})"}) {
    EXPECT_THAT(Transfer(*locator_, options_, reports_).run({}, Json::parse(task)),
                FailsSaying(ErrorCode::kInvalidArgument, "malformed transfer task"))
        << task;
  }
}

TEST_F(TransferTest, Store_that_nobody_knows_is_a_folder_like_others) {
  write("file", "content");
  EXPECT_THAT(transfer(local("file"), end(path("attached/sealed/s-t01000-7"), "of-nobody")), Succeeds());
  EXPECT_EQ(read("attached/sealed/s-t01000-7"), "content");
  EXPECT_FALSE(fs::exists(path("attached/.scabbard")));
}

TEST_F(TransferTest, Sector_goes_to_a_store_with_its_manifest_and_back) {
  const ScriptedServer server;
  make_store("store", "s3-a", server);
  write("w/sealed", to_text(pattern_bytes(1, 12 << 20)));
  write("w/cache/p_aux", std::string(64, 'p'));
  write("w/cache/t_aux", "t");
  EXPECT_THAT(run({route(local("w/sealed"), end(path("store/sealed/s-t01000-7"), "s3-a")),
                   route(local("w/cache"), end(path("store/cache/s-t01000-7"), "s3-a"))},
                  {{"s3-a", {{"name", "s3-a"}, {"meta", {{"Url", "s3://bucket/s3-a"}}}}}}),
              Succeeds());
  EXPECT_FALSE(fs::exists(path("store/sealed")));
  const auto store = value_of(locator_->resolve({}, path("store"))).store;
  const auto manifest = value_of(sector::read_manifest({}, *store, {.miner = 1000, .number = 7}));
  ASSERT_EQ(manifest.objects.size(), 3U);
  EXPECT_EQ(manifest.objects.at("sealed/s-t01000-7").size, std::uint64_t{12} << 20);
  EXPECT_TRUE(manifest.objects.at("sealed/s-t01000-7").crc32c);
  EXPECT_EQ(manifest.objects.at("cache/s-t01000-7/p_aux").version,
            value_of(store->stat({}, "cache/s-t01000-7/p_aux")).version);

  EXPECT_THAT(run({route(end(path("store/sealed/s-t01000-7"), "s3-a"), local("back/sealed"), {{"allow_link", true}}),
                   route(end(path("store/cache/s-t01000-7"), "s3-a"), local("back/cache"), {{"allow_link", true}})}),
              Succeeds());
  EXPECT_EQ(read("back/sealed"), read("w/sealed"));
  EXPECT_EQ(read("back/cache/p_aux"), read("w/cache/p_aux"));
  EXPECT_FALSE(fs::is_symlink(path("back/sealed")));
}

TEST_F(TransferTest, Folder_in_a_bucket_loses_what_is_not_in_the_new_one) {
  const ScriptedServer server;
  make_store("store", "s3-a", server);
  const Json there = end(path("store/cache/s-t01000-7"), "s3-a");
  write("w/old/a", "old");
  write("w/old/b", "old");
  write("w/new/a", "new");
  EXPECT_THAT(transfer(local("w/old"), there), Succeeds());
  EXPECT_THAT(transfer(local("w/new"), there), Succeeds());
  EXPECT_THAT(transfer(there, local("back")), Succeeds());
  EXPECT_EQ(read("back/a"), "new");
  EXPECT_FALSE(fs::exists(path("back/b")));
  const auto store = value_of(locator_->resolve({}, path("store"))).store;
  EXPECT_EQ(value_of(sector::read_manifest({}, *store, {.miner = 1000, .number = 7})).objects.size(), 1U);
}

TEST_F(TransferTest, Path_has_to_lie_in_the_store_that_is_named) {
  const ScriptedServer server;
  make_store("store", "s3-a", server);
  write("file", "content");
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/x"), "s3-b")),
              FailsSaying(ErrorCode::kInvalidPath, "lies in store \"s3-a\" and not in \"s3-b\""));
  const Json stores = {{"s3-a", {{"name", "s3-a"}, {"meta", {{"Url", "s3://bucket/s3-a"}}}}}};
  EXPECT_THAT(run(Json::array({route(local("file"), end(path("elsewhere/sealed/x"), "s3-a"))}), stores),
              FailsSaying(ErrorCode::kInvalidPath, "does not lie in store \"s3-a\""));
  EXPECT_THAT(transfer(local("file"), end(path("store/../elsewhere/x"), "s3-a")),
              FailsSaying(ErrorCode::kInvalidPath, "leads out of a folder"));
  EXPECT_FALSE(fs::exists(path("elsewhere")));
}

TEST_F(TransferTest, Path_without_a_store_is_local_whatever_lies_above_it) {
  const ScriptedServer server;
  make_store("store", "s3-a", server);
  write("file", "content");
  EXPECT_THAT(transfer(local("file"), local("store/scratch/file")), Succeeds());
  EXPECT_EQ(read("store/scratch/file"), "content");
  EXPECT_EQ(server.seen().requests, 0U);
}

TEST_F(TransferTest, Store_that_is_down_is_waited_for_and_told_of) {
  ScriptedServer server;
  make_store("store", "s3-a", server);
  write("file", "content");
  server.set_in_trouble(true);
  options_.give_up_after = std::chrono::nanoseconds(0);
  EXPECT_FALSE(Transfer(*locator_, options_, reports_)
                   .run(Context().with_timeout(std::chrono::milliseconds(300)),
                        {{"routes", Json::array({route(local("file"), end(path("store/sealed/x"), "s3-a"))})}}));
  server.set_in_trouble(false);
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/x"), "s3-a")), Succeeds());
}

TEST_F(TransferTest, What_was_written_is_read_back_where_that_is_asked_for) {
  const ScriptedServer server;
  make_store("store", "s3-a", server);
  options_.read_back = true;
  write("folder/a", "A");
  write("folder/b", "B");
  EXPECT_THAT(transfer(local("folder"), end(path("store/cache/s-t01000-7"), "s3-a")), Succeeds());
  EXPECT_THAT(transfer(local("folder"), local("copy")), Succeeds());
}

}  // namespace
}  // namespace scabbard::extproc
