// Commands on whole sectors, and verification.
#include <csignal>
#include <filesystem>
#include <fstream>

#include "cli/command_test.hpp"
#include "support/server_process.hpp"
#include "support/small_sector.hpp"

namespace scabbard::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::Not;
using ::testing::SizeIs;

class SectorTest : public CommandTest {
 protected:
  SectorTest() {
    init("old");
    init("new");
  }

  // As another program has left it: without a manifest.
  void put(const std::string& store, const std::string& id, std::uint64_t seed = 1) const {
    for (const auto& [name, text] : small_sector(id, seed)) write(store + "/" + name, text);
  }

  // From standard input the bytes pass through the program, so that their sums are known.
  void put_with_sums(const std::string& store, const std::string& id) const {
    nlohmann::json objects = nlohmann::json::array();
    for (const auto& [name, text] : small_sector(id)) {
      const auto location = store + "/" + name;
      const auto written = json_lines(out_of({"cp", "--json", "-", location}, {.input = text})).front();
      objects.push_back({{"name", name},
                         {"size", text.size()},
                         {"crc32c", written["crc32c"]},
                         {"version", json_of({"stat", "--json", location}).front()["version"]}});
    }
    write(store + "/.scabbard/" + id + ".json", nlohmann::json{{"sector", id}, {"objects", objects}}.dump());
  }

  // Without a trace in the file's times: as a disk damages it.
  void damage(const std::string& name) const {
    const auto time = fs::last_write_time(path(name));
    std::fstream(path(name), std::ios::in | std::ios::out | std::ios::binary) << "X";
    fs::last_write_time(path(name), time);
  }

  // Of `sector cp --json`: the last line.
  nlohmann::json summary_of(const std::vector<std::string>& arguments) const {
    return json_of(arguments).back()["summary"];
  }
};

const std::vector<std::string> kCopyAll = {"sector", "cp", "-q", "--all", "--store", "old", "--to", "new"};
const std::vector<std::string> kCopyAllJson = {"sector", "cp", "--json", "--all", "--store", "old", "--to", "new"};

TEST_F(SectorTest, All_sectors_of_a_store_are_listed) {
  put("old", "s-t01000-7");
  put("old", "s-t01000-12");
  fs::remove(path("old/sealed/s-t01000-12"));
  EXPECT_EQ(out_of({"sector", "ls", "--store", "old"}), "s-t01000-7\ns-t01000-12\n");
  EXPECT_THAT(out_of({"sector", "ls", "-l", "--store", "old"}),
              AllOf(HasSubstr("2244    4 objects  s-t01000-7\n"), HasSubstr("s-t01000-12  not complete\n")));
  const auto lines = json_of({"sector", "ls", "--json", "--store", "old"});
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_THAT(keys_of(lines[0]), ElementsAre("bytes", "flaws", "folders", "objects", "sector"));
  EXPECT_EQ(lines[1]["flaws"][0]["object"], "sealed/s-t01000-12");
  const Outcome empty = run({"sector", "ls", "--store", "new"});
  EXPECT_EQ(empty.status, 0);
  EXPECT_EQ(empty.out, "");
  EXPECT_THAT(empty.err, HasSubstr("has no sector: is its disk mounted?"));
}

TEST_F(SectorTest, Stat_shows_objects_with_their_sums_and_what_is_missing) {
  put_with_sums("old", "s-t01000-7");
  fs::remove(path("old/cache/s-t01000-7/p_aux"));
  const auto lines = json_of({"sector", "stat", "--json", "s-t01000-7", "--store", "old"});
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0]["objects"], SizeIs(3));
  EXPECT_THAT(lines[0]["objects"][2]["crc32c"].get<std::string>(), SizeIs(8));
  EXPECT_EQ(lines[0]["flaws"][0]["what"], "is missing");
  EXPECT_THAT(out_of({"sector", "stat", "s-t01000-7", "--store", "old"}),
              AllOf(HasSubstr("complete    no\n"), HasSubstr("cache/s-t01000-7/p_aux is missing\n")));
}

TEST_F(SectorTest, Sector_that_is_not_there_is_4_and_does_not_keep_the_others_back) {
  put("old", "s-t01000-7");
  for (const char* verb : {"stat", "verify", "rm"}) {
    EXPECT_THAT(run({"sector", verb, "s-t01000-8", "--store", "old"}), Fails(4, "s-t01000-8")) << verb;
  }
  const Outcome copied = run({"sector", "cp", "s-t01000-8", "s-t01000-7", "--store", "old", "--to", "new"});
  EXPECT_THAT(copied, Fails(4, "s-t01000-8: \"old\" has nothing of that sector"));
  EXPECT_EQ(copied.out, "copied 1 sector (4 objects, 2.2 KiB)\n");
}

TEST_F(SectorTest, Wrong_command_lines_are_2_and_nothing_is_done) {
  put("old", "s-t01000-7");
  EXPECT_THAT(run({"sector", "rm", "s-t01000-7", "t01000-8", "--store", "old"}), Fails(2, "\"t01000-8\" is no sector"));
  EXPECT_TRUE(exists("old/sealed/s-t01000-7"));
  EXPECT_THAT(run({"sector", "rm", "--store", "old"}), Fails(2, "SECTOR is required"));
  EXPECT_THAT(run({"sector", "rm", "--all", "--store", "old"}), Fails(2, "--all"));
  EXPECT_THAT(run({"sector", "cp", "--store", "old", "--to", "new"}), Fails(2, "SECTOR or --all is required"));
  EXPECT_THAT(run({"sector", "cp", "--all", "--store", "old"}), Fails(2, "--to is required"));
  EXPECT_THAT(run({"sector", "cp", "--all", "--store", "old", "--to", "old"}), Fails(2, "into itself"));
  fs::create_directory_symlink(path("old"), path("link"));
  EXPECT_THAT(run({"sector", "cp", "--all", "--store", "old", "--to", "link"}), Fails(2, "into itself"));
  EXPECT_THAT(run({"sector", "cpp"}), Fails(2, "command \"cpp\" is not known; did you mean cp?"));
}

TEST_F(SectorTest, What_is_no_store_is_3) {
  EXPECT_THAT(run({"sector", "ls", "--store", "nowhere"}), Fails(3, "nowhere"));
  EXPECT_THAT(run({"sector", "ls", "--store", "old/sealed"}), Fails(3, "is no store; it lies in"));
  EXPECT_THAT(run({"sector", "cp", "--all", "--store", "old", "--to", "nowhere"}), Fails(3, "nowhere"));
}

TEST_F(SectorTest, All_sectors_are_copied_and_are_there_the_next_time) {
  put_with_sums("old", "s-t01000-7");
  put("old", "s-t01000-8");
  EXPECT_THAT(run(kCopyAll), Succeeds());
  for (const auto& [name, text] : small_sector("s-t01000-7")) EXPECT_EQ(read("new/" + name), text);
  EXPECT_THAT(files_below("new/.scabbard"), ElementsAre("s-t01000-7.json", "s-t01000-8.json"));
  const auto again = summary_of(kCopyAllJson);
  EXPECT_EQ(again["sectors"], 0);
  EXPECT_EQ(again["sectors_there"], 2);
  EXPECT_EQ(again["bytes"], 0);
  // The sums went with the first one, and the other never had any.
  const Outcome verified = run({"sector", "verify", "--all", "--store", "new"});
  EXPECT_THAT(verified, Succeeds());
  EXPECT_THAT(verified.out, HasSubstr("8 objects, 4.4 KiB: 4 ok, 4 no sum known\n"));
}

TEST_F(SectorTest, Copy_is_taken_up_where_it_ended) {
  put("old", "s-t01000-7");
  put("old", "s-t01000-8");
  EXPECT_THAT(run(kCopyAll), Succeeds());
  fs::remove(path("new/cache/s-t01000-8/t_aux"));
  write("new/sealed/s-t01000-7", "torn by somebody else");
  const auto lines = json_of(kCopyAllJson);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines.back()["summary"]["objects"], 2);
  EXPECT_EQ(lines.back()["summary"]["bytes"], 2148);
  EXPECT_EQ(read("new/sealed/s-t01000-7"), small_sector("s-t01000-7").at("sealed/s-t01000-7"));
}

TEST_F(SectorTest, Dry_run_tells_what_would_be_copied_and_copies_nothing) {
  put("old", "s-t01000-7");
  fs::remove(path("old/cache/s-t01000-7/p_aux"));
  const auto before = files_below("new");
  EXPECT_EQ(out_of({"sector", "cp", "-n", "--all", "--store", "old", "--to", "new"}),
            "would copy s-t01000-7: 3 objects, 2.1 KiB\nwould copy 1 sector (3 objects, 2.1 KiB)\n"
            "not complete at the source: s-t01000-7 (cache/s-t01000-7/p_aux is missing)\n");
  EXPECT_EQ(json_of({"sector", "cp", "-n", "--json", "s-t01000-7", "--store", "old", "--to", "new"})[0]["would_copy"],
            "s-t01000-7");
  EXPECT_EQ(files_below("new"), before);
}

TEST_F(SectorTest, Link_to_nowhere_is_named_and_fails) {
  put("old", "s-t01000-7");
  fs::create_symlink("/nowhere/at/all", path("old/cache/s-t01000-8"));
  EXPECT_THAT(run(kCopyAll), Fails(1, "is its disk mounted?"));
  EXPECT_EQ(read("new/sealed/s-t01000-7"), read("old/sealed/s-t01000-7"));
}

TEST_F(SectorTest, Plain_folder_of_another_plugin_is_copied_as_well) {
  put("fsstore", "s-t01000-7");
  write("fsstore/sectorstore.json", R"({"Name":"x","PluginName":"fsstore"})");
  EXPECT_EQ(out_of({"sector", "cp", "--all", "--store", "fsstore", "--to", "new"}),
            "copied 1 sector (4 objects, 2.2 KiB)\n");
}

TEST_F(SectorTest, Destination_that_takes_no_writes_is_7_and_told_once) {
  for (const char* id : {"s-t01000-1", "s-t01000-2", "s-t01000-3"}) put("old", id);
  auto file = nlohmann::json::parse(read("new/sectorstore.json"));
  file["ReadOnly"] = true;
  write("new/sectorstore.json", file.dump());
  const Outcome copied = run(kCopyAll);
  EXPECT_THAT(copied, Fails(7, "read-only"));
  EXPECT_EQ(std::ranges::count(copied.err, '\n'), 1);
  EXPECT_THAT(run({"sector", "cp", "-n", "--all", "--store", "old", "--to", "new"}), Fails(7, "read-only"));
}

TEST_F(SectorTest, Sector_that_fails_is_named_and_does_not_keep_the_others_back) {
  put("old", "s-t01000-7");
  put("old", "s-t01000-8");
  write("new/cache/s-t01000-7", "a file in the place of the folder");
  const Outcome copied = run({"sector", "cp", "--all", "--store", "old", "--to", "new"});
  EXPECT_THAT(copied, AllOf(Not(EndsWith(0)), ::testing::Field(&Outcome::err, HasSubstr("scabbard: s-t01000-7: "))));
  EXPECT_THAT(copied.out, HasSubstr("copied 1 sector (5 objects, 4.2 KiB), 1 failed\n"));
  EXPECT_EQ(read("new/cache/s-t01000-8/p_aux"), small_sector("s-t01000-8").at("cache/s-t01000-8/p_aux"));
}

TEST_F(SectorTest, Interrupted_copy_is_taken_up_and_nothing_is_copied_twice) {
  constexpr int kSectors = 400;
  for (int i = 0; i < kSectors; ++i) put("old", "s-t01000-" + std::to_string(i));
  Channel pipe = Channel::pipe();
  Running copy = start(kCopyAllJson, {.standard_output = pipe.far()});
  while (!exists("new/.scabbard") || files_below("new/.scabbard").size() < 10) {
  }
  copy.interrupt_by(SIGINT);
  pipe.close_far();
  pipe.read_rest();
  EXPECT_THAT(copy.wait(), EndsWith(128 + SIGINT));
  std::map<std::string, fs::file_time_type> before;
  for (const std::string& manifest : files_below("new/.scabbard")) {
    const auto noted = nlohmann::json::parse(read("new/.scabbard/" + manifest));
    for (const auto& object : noted["objects"]) {
      const std::string name = object["name"];
      before[name] = fs::last_write_time(path("new/" + name));
    }
  }
  EXPECT_THAT(before.size(), AllOf(Gt(0U), Lt(std::size_t{4} * kSectors)));
  EXPECT_THAT(run(kCopyAll), Succeeds());
  for (const auto& [name, time] : before) EXPECT_EQ(fs::last_write_time(path("new/" + name)), time) << name;
  EXPECT_EQ(summary_of(kCopyAllJson)["sectors_there"], kSectors);
}

TEST_F(SectorTest, Removed_sector_is_gone_with_its_manifest) {
  put_with_sums("old", "s-t01000-7");
  put("old", "s-t01000-8");
  EXPECT_THAT(out_of({"sector", "rm", "-n", "s-t01000-7", "--store", "old"}),
              HasSubstr("would remove " + path("old/sealed/s-t01000-7") + "\n"));
  EXPECT_THAT(json_of({"sector", "rm", "--json", "s-t01000-7", "--store", "old"}), SizeIs(4));
  EXPECT_THAT(files_below("old/.scabbard"), IsEmpty());
  EXPECT_EQ(out_of({"sector", "ls", "--store", "old"}), "s-t01000-8\n");
}

TEST_F(SectorTest, Manifest_that_was_left_alone_is_removed) {
  put_with_sums("old", "s-t01000-7");
  fs::remove_all(path("old/sealed"));
  fs::remove_all(path("old/cache"));
  EXPECT_THAT(run({"sector", "rm", "s-t01000-7", "--store", "old"}), Succeeds());
  EXPECT_THAT(run({"sector", "rm", "s-t01000-7", "--store", "old"}), EndsWith(4));
}

TEST_F(SectorTest, Damage_is_found_by_reading_and_ends_with_1) {
  put_with_sums("old", "s-t01000-7");
  EXPECT_THAT(run({"sector", "verify", "s-t01000-7", "--store", "old"}), Succeeds());
  damage("old/sealed/s-t01000-7");
  const Outcome found = run({"sector", "verify", "-q", "s-t01000-7", "--store", "old"});
  EXPECT_THAT(found, Fails(1, "of 4 objects 1 wrong and 0 changed"));
  EXPECT_THAT(found.out,
              AllOf(HasSubstr(path("old/sealed/s-t01000-7") + ": wrong, has the CRC-32C "), Not(HasSubstr(": ok"))));
  EXPECT_THAT(run({"sector", "verify", "--quick", "s-t01000-7", "--store", "old"}), Succeeds());
  fs::remove(path("old/cache/s-t01000-7/p_aux"));
  const Outcome quick = run({"sector", "verify", "--quick", "--all", "--store", "old"});
  EXPECT_THAT(quick, EndsWith(1));
  EXPECT_THAT(quick.out, HasSubstr("p_aux: wrong, is missing\n"));
}

TEST_F(SectorTest, Verify_takes_objects_folders_and_stores) {
  put_with_sums("old", "s-t01000-7");
  write("old/piece", "piece");
  EXPECT_THAT(out_of({"verify", "old/sealed/s-t01000-7", "old/cache"}), HasSubstr("4 objects, 2.2 KiB: 4 ok\n"));
  EXPECT_THAT(out_of({"verify", "old"}),
              AllOf(HasSubstr(path("old/piece") + ": no sum known\n"), HasSubstr(": 4 ok, 1 no sum known\n")));
  damage("old/cache/s-t01000-7/t_aux");
  fs::resize_file(path("old/sealed/s-t01000-7"), 2000);
  const Outcome found = run({"verify", "-q", "old"});
  EXPECT_THAT(found, Fails(1, "of 5 objects 1 wrong and 1 changed"));
  EXPECT_EQ(std::ranges::count(found.out, '\n'), 2);
  EXPECT_THAT(found.out, HasSubstr("changed, has 2000 bytes, and was written with 2048"));
  const Outcome as_json = run({"verify", "--json", "old/cache"});
  const auto lines = json_lines(as_json.out);
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines.back()["summary"]["wrong"], 1);
  EXPECT_THAT(keys_of(lines.front()), Contains("verdict"));
}

TEST_F(SectorTest, Verify_of_what_is_missing_fails) {
  EXPECT_THAT(run({"verify", "old/gone"}), Fails(4, "\"old/gone\""));
  // As an empty mount point is.
  EXPECT_THAT(run({"verify", "old"}), Fails(4, "is its disk mounted?"));
  EXPECT_THAT(run({"sector", "verify", "--all", "--store", "old"}), Fails(4, "has no sector: is its disk mounted?"));
  EXPECT_THAT(run({"sector", "cp", "--all", "--store", "old", "--to", "new"}), Fails(4, "has no sector"));
  put("old", "s-t01000-7");
  EXPECT_THAT(run({"sector", "verify", "--all", "--store", "old/sealed"}), Fails(3, "is no store"));
  EXPECT_THAT(run({"verify"}), Fails(2, "LOCATION is required"));
}

TEST_F(SectorTest, Manifest_that_is_none_is_told_and_the_next_copy_replaces_it) {
  put("old", "s-t01000-7");
  EXPECT_THAT(run(kCopyAll), Succeeds());
  write("new/.scabbard/s-t01000-7.json", "garbage");
  EXPECT_THAT(run({"sector", "verify", "s-t01000-7", "--store", "new"}), Fails(1, "of 5 objects 1 wrong"));
  EXPECT_THAT(run({"sector", "stat", "s-t01000-7", "--store", "new"}), Fails(7, "it is no manifest"));
  EXPECT_EQ(summary_of(kCopyAllJson)["objects"], 4);
  EXPECT_THAT(run({"sector", "verify", "s-t01000-7", "--store", "new"}), Succeeds());
}

// To a bucket and on to another: what passes through the program has sums from then on.
class SectorS3Test : public SectorTest {
 protected:
  SectorS3Test() {
    write("credentials", "[default]\naws_access_key_id = " + server_.access_key() +
                             "\naws_secret_access_key = " + server_.secret_key() + "\n");
    init_bucket("bucket");
    init_bucket("second");
  }
  ~SectorS3Test() override {
    for (const char* store : {"bucket", "second"}) run({"rm", "-r", "--whole-store", store});
  }

  void init_bucket(const std::string& name) const {
    EXPECT_THAT(run({"init", name, "--url", "s3://" + std::string(ServerProcess::kBucket) + "/sectors-" + name,
                     "--option", "Endpoint=" + server_.url(), "--option", "Region=us-east-1", "--option",
                     "CredentialsFile=" + path("credentials")}),
                EndsWith(0));
  }

  const ServerProcess& server_ = ServerProcess::shared(ServerKind::kVersitygw, Transport::kHttp);
};

TEST_F(SectorS3Test, Sectors_go_to_a_bucket_are_verified_there_and_go_on_to_another) {
  put("old", "s-t01000-7");
  put("old", "s-t01000-8");
  EXPECT_EQ(out_of({"sector", "cp", "--all", "--store", "old", "--to", "bucket"}),
            "copied 2 sectors (8 objects, 4.4 KiB)\n");
  EXPECT_EQ(out_of({"sector", "ls", "--store", "bucket"}), "s-t01000-7\ns-t01000-8\n");
  EXPECT_THAT(out_of({"sector", "verify", "--all", "--store", "bucket"}), HasSubstr("8 objects, 4.4 KiB: 8 ok\n"));
  EXPECT_EQ(summary_of({"sector", "cp", "--json", "--all", "--store", "old", "--to", "bucket"})["sectors_there"], 2);
  // One request to the server for each object: the sums are those of the first bucket.
  EXPECT_EQ(out_of({"sector", "cp", "s-t01000-7", "--store", "bucket", "--to", "second"}),
            "copied 1 sector (4 objects, 2.2 KiB)\n");
  EXPECT_THAT(out_of({"verify", "second"}), HasSubstr("4 objects, 2.2 KiB: 4 ok\n"));
  EXPECT_EQ(summary_of({"sector", "cp", "--json", "s-t01000-7", "--store", "bucket", "--to", "second"})["objects"], 0);
}

TEST_F(SectorS3Test, One_sector_is_found_without_a_listing_of_all) {
  put("old", "s-t01000-7");
  EXPECT_THAT(run({"sector", "cp", "-q", "--all", "--store", "old", "--to", "bucket"}), Succeeds());
  // Three HEAD, two listings, the manifest; and whether there is such a bucket, where the first object is missing.
  EXPECT_THAT(run({"sector", "stat", "--stats", "s-t01000-7", "--store", "bucket"}).err, HasSubstr(" 7 requests, "));
  EXPECT_THAT(run({"sector", "rm", "s-t01000-7", "--store", "bucket"}), Succeeds());
  EXPECT_EQ(out_of({"ls", "-r", "bucket"}), "");
}

TEST_F(SectorS3Test, Damage_at_the_source_is_found_while_it_is_copied_and_does_not_arrive) {
  put_with_sums("old", "s-t01000-7");
  damage("old/sealed/s-t01000-7");
  EXPECT_THAT(run({"sector", "cp", "s-t01000-7", "--store", "old", "--to", "bucket"}),
              Fails(1, "and was written with"));
  EXPECT_THAT(out_of({"ls", "-r", "bucket"}), AllOf(HasSubstr("t_aux"), Not(HasSubstr("sealed/"))));
}

}  // namespace
}  // namespace scabbard::cli
