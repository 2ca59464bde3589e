// What the stock processor does, case by case (docs/semantics.md says where this one differs), and what it leaves out.
#include "extproc/transfer.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/crc32c.hpp"
#include "sector/manifest.hpp"
#include "store/posix/durable_file.hpp"
#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::extproc {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using scripted::Rule;
using scripted::ScriptedServer;
using ::testing::HasSubstr;

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
  void make_store(const std::string& folder, const std::string& name, const ScriptedServer& server,
                  const Json& options = Json::object()) const {
    Json file = {{"Name", name},
                 {"PluginName", "scabbard"},
                 {"Meta", {{"Url", "s3://bucket/" + name}, {"Endpoint", server.url()}, {"Anonymous", "true"}}}};
    file["Meta"].update(options);
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

// Also those of another kind, and what is neither file nor folder.
TEST_F(TransferTest, What_is_in_the_way_in_the_folder_that_is_replaced_goes) {
  write("folder/a", "A");
  write("folder/b/c", "C");
  write("there/a/old", "old");
  write("there/b", "old");
  write("there/rest/deep/old", "old");
  fs::create_symlink(path("nowhere/x"), path("there/rest/link"));
  ASSERT_EQ(::mkfifo(path("there/rest/pipe").c_str(), 0600), 0);
  EXPECT_THAT(transfer(local("folder"), local("there")), Succeeds());
  EXPECT_EQ(read("there/a") + read("there/b/c"), "AC");
  EXPECT_FALSE(fs::exists(path("there/rest")));
}

TEST_F(TransferTest, Link_to_nowhere_in_the_folder_that_is_replaced_is_not_written_through) {
  write("folder/f", "new");
  fs::create_directories(path("there"));
  fs::create_directories(path("store"));
  fs::create_symlink(path("store/f"), path("there/f"));
  EXPECT_THAT(transfer(local("folder"), local("there")), Succeeds());
  EXPECT_EQ(read("there/f"), "new");
  EXPECT_FALSE(fs::exists(path("store/f")));
}

// Until there is something else in its place.
TEST_F(TransferTest, Link_stays_where_the_file_that_should_replace_it_does_not_come) {
  write("good", "good");
  fs::create_symlink(path("good"), path("link"));
  const auto is_at = [&](const char* source) { return transfer(local(source), local("link")); };
  // A file of the kernel's, which cannot be copied.
  EXPECT_FALSE(transfer(end("/proc/self/status"), local("link")));
  EXPECT_EQ(read("link"), "good");
  write("file", "new");
  EXPECT_THAT(is_at("file"), Succeeds());
  EXPECT_EQ(read("link") + read("good"), "newgood");
}

TEST_F(TransferTest, What_a_link_that_was_not_finished_has_left_is_gone_after_the_next) {
  write("there/old", "old");
  const std::string hash = fmt::format("{:08x}", crc32c(std::as_bytes(std::span(std::string_view("there")))));
  const std::string left = posix::temporary_prefix_of_host() + "link-" + hash;
  write(left + "/old", "old");
  write("folder/file", "content");
  EXPECT_THAT(link(local("folder"), local("there")), Succeeds());
  EXPECT_EQ(fs::read_symlink(path("there")), path("folder"));
  EXPECT_FALSE(fs::exists(path(left)));
}

TEST_F(TransferTest, Empty_folder_or_pipe_where_a_file_is_to_go_is_no_hindrance) {
  write("folder/a", "A");
  write("folder/b", "B");
  fs::create_directories(path("there/a/deep"));
  ASSERT_EQ(::mkfifo(path("there/b").c_str(), 0600), 0);
  EXPECT_THAT(transfer(local("folder"), local("there")), Succeeds());
  EXPECT_EQ(read("there/a") + read("there/b"), "AB");
}

TEST_F(TransferTest, Folder_of_a_store_that_is_a_link_to_another_disk_is_filled_there) {
  write("folder/a", "new");
  write("disk/a", "old");
  write("disk/b", "old");
  write("store/sectorstore.json", R"({"Name": "b", "PluginName": "scabbard"})");
  fs::create_directories(path("store/cache"));
  fs::create_directory_symlink(path("disk"), path("store/cache/s-t01000-7"));
  EXPECT_THAT(transfer(local("folder"), end(path("store/cache/s-t01000-7"), "b")), Succeeds());
  EXPECT_TRUE(fs::is_symlink(path("store/cache/s-t01000-7")));
  EXPECT_EQ(read("disk/a"), "new");
  EXPECT_FALSE(fs::exists(path("disk/b")));
}

TEST_F(TransferTest, Folder_that_is_reached_by_a_link_to_the_destination_is_there_already) {
  write("store/folder/a", "A");
  fs::create_directory_symlink(path("store/folder"), path("link"));
  EXPECT_THAT(transfer(local("link"), local("store/folder")), Succeeds());
  EXPECT_EQ(read("store/folder/a"), "A");
  EXPECT_FALSE(fs::is_symlink(path("store/folder")));
}

TEST_F(TransferTest, Way_back_from_a_link_is_refused) {
  write("x", "wrong");
  write("real/x", "meant");
  fs::create_directories(path("real/deep"));
  fs::create_directory_symlink(path("real/deep"), path("link"));
  EXPECT_THAT(transfer(local("link/../x"), local("copy")), FailsSaying(ErrorCode::kInvalidPath, "is a link"));
  EXPECT_FALSE(fs::exists(path("copy")));
}

TEST_F(TransferTest, What_a_writer_that_died_has_left_in_folders_below_goes_as_well) {
  write("folder/sub/a", "A");
  const std::string left = "there/sub/" + posix::temporary_prefix_of_host() + "1-2";
  write(left, "half");
  EXPECT_THAT(transfer(local("folder"), local("there")), Succeeds());
  EXPECT_FALSE(fs::exists(path(left)));
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
       {"null", "7", "{}", R"({"routes":7})", R"({"routes":null})", R"({"routes":{}})", R"({"routes":[{}]})",
        R"({"routes":[{"src":{},"dest":{}}]})", R"({"routes":[{"src":{"uri":7},"dest":{"uri":"/a"}}]})"}) {
    EXPECT_THAT(Transfer(*locator_, options_, reports_).run({}, Json::parse(task)),
                FailsSaying(ErrorCode::kInvalidArgument, "malformed transfer task"))
        << task;
  }
}

TEST_F(TransferTest, Store_that_nobody_knows_is_a_folder_like_others) {
  write("file", "content");
  fs::create_directory(path("attached"));
  EXPECT_THAT(transfer(local("file"), end(path("attached/sealed/s-t01000-7"), "of-nobody")), Succeeds());
  EXPECT_EQ(read("attached/sealed/s-t01000-7"), "content");
  EXPECT_FALSE(fs::exists(path("attached/.scabbard")));
}

TEST_F(TransferTest, Store_whose_folder_is_missing_is_waited_for) {
  write("file", "content");
  options_.give_up_after = std::chrono::nanoseconds(0);
  for (const char* object :
       {"attached/sealed/s-t01000-7", "attached/cache/s-t01000-7", "attached/cache/s-t01000-7/f"}) {
    EXPECT_THAT(transfer(local("file"), end(path(object), "of-nobody")),
                FailsSaying(ErrorCode::kUnavailable, "is its disk mounted?"))
        << object;
  }
  EXPECT_FALSE(fs::exists(path("attached")));
}

TEST_F(TransferTest, Store_on_a_server_whose_place_is_not_known_here_is_refused) {
  write("file", "content");
  fs::create_directory(path("attached"));
  const Json stores = {{"s3-a", {{"name", "s3-a"}, {"meta", {{"Endpoint", "http://127.0.0.1:9000"}}}}}};
  EXPECT_THAT(run(Json::array({route(local("file"), end(path("attached/sealed/s-t01000-7"), "s3-a"))}), stores),
              FailsSaying(ErrorCode::kInvalidPath, "a server (Endpoint)"));
  EXPECT_FALSE(fs::exists(path("attached/sealed")));
}

TEST_F(TransferTest, Places_of_two_stores_in_one_bucket_may_not_lie_in_each_other) {
  ScriptedServer server;
  make_store("all", "all", server, {{"Url", "s3://bucket"}});
  make_store("part", "cache", server);
  server.s3().add_object("cache/s-t01000-1/a", std::string("A"));
  server.s3().add_object("cache/s-t01000-2/a", std::string("A"));
  EXPECT_THAT(transfer(end(path("part/s-t01000-1"), "cache"), end(path("all/cache"), "all")),
              FailsSaying(ErrorCode::kInvalidPath, "into itself"));
  EXPECT_THAT(transfer(end(path("part/s-t01000-1"), "cache"), end(path("all/cache/s-t01000-1"), "all")), Succeeds());
  EXPECT_EQ(server.s3().object("cache/s-t01000-1/a"), "A");
  EXPECT_EQ(server.s3().object("cache/s-t01000-2/a"), "A");
}

TEST_F(TransferTest, Object_that_was_damaged_in_its_store_is_not_handed_on) {
  ScriptedServer server;
  make_store("store", "s3-a", server);
  const std::string object = "sealed/s-t01000-7";
  write("file", "content");
  EXPECT_THAT(transfer(local("file"), end(path("store/" + object), "s3-a")), Succeeds());
  const auto store = value_of(locator_->resolve({}, path("store"))).store;
  auto manifest = value_of(sector::read_manifest({}, *store, {.miner = 1000, .number = 7}));
  manifest.objects.at(object).crc32c = 0x12345678;  // as if the bytes were others than they had been
  EXPECT_THAT(sector::write_manifest({}, *store, {.miner = 1000, .number = 7}, manifest), Succeeds());
  EXPECT_THAT(transfer(end(path("store/" + object), "s3-a"), local("back")),
              FailsSaying(ErrorCode::kCorrupt, "was written with 12345678"));
  EXPECT_FALSE(fs::exists(path("back")));
}

TEST_F(TransferTest, Store_of_no_plugin_of_ours_whose_objects_are_elsewhere_is_refused) {
  write("file", "content");
  write("store/sectorstore.json", R"({"Name": "s3-a", "Meta": {"Url": "s3://bucket/s3-a"}})");
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/s-t01000-7"), "s3-a")),
              FailsSaying(ErrorCode::kInvalidArgument, "its objects are at"));
  EXPECT_FALSE(fs::exists(path("store/sealed")));
}

TEST_F(TransferTest, Store_that_is_made_after_a_refusal_is_known_without_a_restart) {
  ScriptedServer server;
  write("file", "content");
  fs::create_directory(path("store"));
  const Json stores = {{"s3-a", {{"name", "s3-a"}, {"meta", {{"Url", "s3://bucket/s3-a"}}}}}};
  const Json routes = Json::array({route(local("file"), end(path("store/sealed/s-t01000-7"), "s3-a"))});
  EXPECT_FALSE(run(routes, stores));
  make_store("store", "s3-a", server);
  EXPECT_THAT(run(routes, stores), Succeeds());
  EXPECT_EQ(server.s3().object("s3-a/sealed/s-t01000-7"), "content");
}

TEST_F(TransferTest, Manager_and_machine_have_to_mean_one_place_by_a_name) {
  const ScriptedServer server;
  make_store("store", "s3-a", server);
  write("file", "content");
  const auto send = [&](const char* url) {
    return run(Json::array({route(local("file"), end(path("store/sealed/s-t01000-7"), "s3-a"))}),
               {{"s3-a", {{"name", "s3-a"}, {"meta", {{"url", url}}}}}});
  };
  EXPECT_THAT(send("s3://bucket/other"), FailsSaying(ErrorCode::kInvalidPath, "make them alike"));
  EXPECT_EQ(server.seen().requests, 0U);
  EXPECT_THAT(send("s3://bucket/s3-a/"), Succeeds());
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
  ScriptedServer server;
  make_store("store", "s3-a", server);
  write("file", "content");
  for (const char* object : {"store/scratch/file", "store/file"}) {
    EXPECT_THAT(transfer(local("file"), local(object)), Succeeds());
    EXPECT_EQ(read(object), "content");
  }
  EXPECT_EQ(server.seen().requests, 0U);
  // Nor what was found there before: a path of the store goes to the store.
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/s-t01000-7"), "s3-a")), Succeeds());
  EXPECT_THAT(transfer(local("file"), local("store/other/file")), Succeeds());
  EXPECT_EQ(read("store/other/file"), "content");
  EXPECT_EQ(server.s3().object("s3-a/sealed/s-t01000-7"), "content");
  EXPECT_FALSE(fs::exists(path("store/sealed")));
}

TEST_F(TransferTest, Store_that_is_down_is_waited_for_and_told_of) {
  ScriptedServer server;
  make_store("store", "s3-a", server, {{"Timeout", "300ms"}});
  write("file", "content");
  server.set_in_trouble(true);
  std::binary_semaphore told(0);
  reports_.tell = [&](const std::string& line) {
    told_ += line;
    told.release();
  };
  const std::jthread repair([&] {
    told.acquire();
    server.set_in_trouble(false);
  });
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/x"), "s3-a")), Succeeds());
  EXPECT_THAT(told_, HasSubstr(path("store/sealed/x") + "\" waits"));
}

TEST_F(TransferTest, Upload_that_somebody_gave_up_meanwhile_is_begun_anew) {
  Rule gone;
  gone.on.kind = "upload_part";
  gone.on.last = 1;
  gone.answer = scripted::Answer{.status = 404, .headers = {}, .body = "<Error><Code>NoSuchUpload</Code></Error>"};
  ScriptedServer server({.rules = {gone}});
  make_store("store", "s3-a", server, {{"PartSize", "5MiB"}});
  write("file", to_text(pattern_bytes(1, 12 << 20)));
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/s-t01000-7"), "s3-a")), Succeeds());
  EXPECT_EQ(server.s3().object("s3-a/sealed/s-t01000-7"), read("file"));
}

// As what a process had asked for that has died since.
TEST_F(TransferTest, Object_that_was_something_else_right_afterwards_is_written_again) {
  Rule other;
  other.on.kind = "head_object";
  other.on.first = 2;  // the first one asks what is there
  other.on.last = 2;
  other.change.headers = {{"ETag", "\"of another\""}};
  const ScriptedServer server({.rules = {other}});
  make_store("store", "s3-a", server);
  write("file", std::string(100'000, 'x'));
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/s-t01000-7"), "s3-a")), Succeeds());
  EXPECT_EQ(server.seen().by_kind.at("put_object"), 3U);  // and the manifest
}

TEST_F(TransferTest, Objects_of_one_sector_and_of_many_are_noted_whoever_writes_them) {
  const ScriptedServer server;
  make_store("store", "s3-a", server);
  constexpr int kSectors = 8;
  for (int i = 0; i < kSectors; ++i) {
    write("w/sealed/s-t01000-" + std::to_string(i), "sealed");
    for (const char* file : {"p_aux", "t_aux"}) write("w/cache/s-t01000-" + std::to_string(i) + "/" + file, file);
  }
  std::vector<std::string> objects = {"cache"};
  for (int i = 0; i < kSectors; ++i) objects.push_back("sealed/s-t01000-" + std::to_string(i));
  const Transfer transfers(*locator_, options_, reports_);
  std::vector<std::jthread> threads;
  for (const std::string& object : objects) {
    threads.emplace_back([&, object] {
      const Json one = route(local("w/" + object), end(path("store/" + object), "s3-a"));
      EXPECT_THAT(transfers.run({}, {{"routes", Json::array({one})}}), Succeeds());
    });
  }
  threads.clear();
  const auto store = value_of(locator_->resolve({}, path("store"))).store;
  for (std::uint64_t i = 0; i < kSectors; ++i) {
    EXPECT_EQ(value_of(sector::read_manifest({}, *store, {.miner = 1000, .number = i})).objects.size(), 3U) << i;
  }
}

TEST_F(TransferTest, Damage_is_found_by_reading_back) {
  Rule damage;
  damage.on.kind = "get_object";
  damage.change.flip = 0;
  const ScriptedServer server({.rules = {damage}});
  make_store("store", "s3-a", server);
  options_.read_back = true;
  write("file", "A");
  EXPECT_THAT(transfer(local("file"), end(path("store/sealed/x"), "s3-a")),
              FailsSaying(ErrorCode::kCorrupt, "it was read back with the CRC-32C"));
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
