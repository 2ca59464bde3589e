// Folders become stores.
#include <filesystem>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class InitTest : public CommandTest {
 protected:
  nlohmann::json file_of(const std::string& folder) const {
    return nlohmann::json::parse(read(folder + "/sectorstore.json"));
  }
};

TEST_F(InitTest, Makes_the_folder_a_store_named_after_it) {
  EXPECT_THAT(run({"init", "Store 1/"}), Succeeds());
  const auto file = file_of("Store 1");
  EXPECT_EQ(file["Name"], "store-1");
  EXPECT_EQ(file["ID"], "store-1");
  EXPECT_EQ(file["PluginName"], "scabbard");
  EXPECT_EQ(file["ReadOnly"], false);
  EXPECT_THAT(file["Meta"], IsEmpty());
  EXPECT_THAT(out_of({"ls", "Store 1"}), IsEmpty());
}

TEST_F(InitTest, Tells_the_lines_for_manager_and_worker) {
  const std::string list = "[\"" + path("store") + "\"]\n";
  EXPECT_THAT(out_of({"init", "store"}), AllOf(HasSubstr("[Common]\n  ScanPersistStores = " + list),
                                               HasSubstr("[worker]\n  scan_persist_stores = " + list)));
}

TEST_F(InitTest, Says_as_much_as_is_asked_for) {
  EXPECT_THAT(out_of({"init", "quiet", "--quiet"}), IsEmpty());
  const auto json = json_of({"init", "json", "--json"});
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0], nlohmann::json({{"file", path("json/sectorstore.json")}, {"name", "json"}}));
}

TEST_F(InitTest, Takes_name_url_and_options) {
  make_folder("objects");
  const std::string url = "file://" + path("objects");
  EXPECT_THAT(run({"init", "store", "-q", "--name", "sealed-1", "--url", url, "--option", "timeout=30s", "--option",
                   "Guard=always", "--read-only"}),
              Succeeds());
  const auto file = file_of("store");
  EXPECT_EQ(file["Name"], "sealed-1");
  EXPECT_EQ(file["ReadOnly"], true);
  EXPECT_EQ(file["Meta"], nlohmann::json({{"Url", url}, {"Timeout", "30s"}, {"Guard", "always"}}));
  EXPECT_THAT(run({"cp", "store/sectorstore.json", "store/object"}), EndsWith(2));
  EXPECT_THAT(run({"cp", "-", "store/object"}), Fails(7, "read-only"));
}

TEST_F(InitTest, Refuses_to_overwrite_a_store) {
  init("store");
  const std::string before = read("store/sectorstore.json");
  EXPECT_THAT(run({"init", "store", "--name", "other"}), Fails(1, "is a store already"));
  EXPECT_EQ(read("store/sectorstore.json"), before);
}

TEST_F(InitTest, Refuses_to_overwrite_what_is_no_store_of_ours) {
  write("other/sectorstore.json", R"({"Name":"x","PluginName":"other"})");
  EXPECT_THAT(run({"init", "other"}), EndsWith(1));
  EXPECT_EQ(read("other/sectorstore.json"), R"({"Name":"x","PluginName":"other"})");
  write("broken/sectorstore.json", "{");
  EXPECT_THAT(run({"init", "broken"}), Fails(7, "malformed JSON"));
  EXPECT_EQ(read("broken/sectorstore.json"), "{");
}

TEST_F(InitTest, Refuses_a_store_in_a_store) {
  init("store");
  EXPECT_THAT(run({"init", "store/inner"}), Fails(1, "lies in the store"));
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
}

TEST_F(InitTest, Refuses_the_folder_of_stores) {
  make_folder("stores");
  init("stores/one");
  EXPECT_THAT(run({"init", "stores"}), Fails(1, "holds a store"));
}

TEST_F(InitTest, Refuses_what_is_not_utf8) {
  EXPECT_THAT(run({"init", "bad\xff"}), Fails(2, "not UTF-8"));
  EXPECT_FALSE(exists("bad\xff"));
}

TEST_F(InitTest, Url_for_a_folder_is_told_its_place) {
  EXPECT_THAT(run({"init", "file://" + path("objects")}), Fails(2, "--url"));
}

TEST_F(InitTest, Worker_whose_own_transfer_would_write_into_the_folder_is_given_another) {
  make_folder("objects");
  const std::string out = out_of({"init", "store", "--url", "file://" + path("objects")});
  EXPECT_THAT(out, AllOf(HasSubstr("ScanPersistStores"), HasSubstr("scan_persist_stores"),
                         HasSubstr("[[processors.transfer]]")));
  EXPECT_THAT(out_of({"init", "other"}), Not(HasSubstr("processors")));
}

TEST_F(InitTest, Makes_only_the_last_folder) {
  EXPECT_THAT(run({"init", "missing/store"}), Fails(3, "make the folder"));
  EXPECT_FALSE(exists("missing"));
}

TEST_F(InitTest, Option_that_is_wrong_is_refused_and_nothing_written) {
  EXPECT_THAT(run({"init", "store", "--option", "Timout=1s"}), Fails(7, "did you mean Timeout?"));
  EXPECT_THAT(run({"init", "store", "--option", "Timeout=soon"}), Fails(7, "Timeout"));
  EXPECT_THAT(run({"init", "store", "--option", "Timeout=1s", "--option", "Timeout=2s"}), Fails(2, "given twice"));
  EXPECT_THAT(run({"init", "store", "--option", "Timeout=1s", "--option", "timeout=2s"}), Fails(7, "given twice"));
  EXPECT_THAT(run({"init", "store", "--option", "=x"}), Fails(2, "Key=Value"));
  EXPECT_FALSE(exists("store"));
}

TEST_F(InitTest, Misplaced_secret_is_not_repeated) {
  const Outcome outcome = run({"init", "store", "--option", "hunter2"});
  EXPECT_THAT(outcome, Fails(2, "Key=Value"));
  EXPECT_THAT(outcome.err, ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(InitTest, Name_that_is_no_host_of_a_url_is_refused) {
  for (const char* name : {"a b", "a/b", "sealed:1"}) {
    EXPECT_THAT(run({"init", "store", "--name", name}), Fails(2, "letters, digits")) << name;
  }
}

TEST_F(InitTest, Url_that_this_build_cannot_open_is_a_matter_of_configuration) {
  EXPECT_THAT(run({"init", "store", "--url", "ftp://host/objects"}), Fails(7, "no \"ftp\" stores in this build"));
  EXPECT_THAT(run({"init", "store", "--url", "file://" + path("missing")}), EndsWith(3));
  EXPECT_FALSE(exists("store"));
}

TEST_F(InitTest, Folder_that_may_not_be_written_is_a_matter_of_configuration) {
  make_folder("closed");
  if (!is_root()) std::filesystem::permissions(path("closed"), std::filesystem::perms(0555));
  EXPECT_THAT(run({"init", "closed"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  EXPECT_THAT(run({"init", "closed/new"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  EXPECT_THAT(files_below("closed"), IsEmpty());
}

TEST_F(InitTest, Of_many_at_once_exactly_one_makes_the_store) {
  for (int round = 0; round < 5; ++round) {
    const std::string folder = "store-" + std::to_string(round);
    std::vector<Running> all;
    for (int i = 0; i < 8; ++i) all.push_back(start({"init", folder, "--name", "name-" + std::to_string(i)}));
    std::vector<std::string> winners;
    for (Running& one : all) {
      const Outcome outcome = one.wait();
      if (outcome.status == 0) {
        winners.push_back(outcome.out);
      } else {
        EXPECT_THAT(outcome, Fails(1, "is a store already"));
      }
    }
    ASSERT_EQ(winners.size(), 1U);
    EXPECT_THAT(winners[0], HasSubstr(file_of(folder)["Name"].get<std::string>()));
    EXPECT_THAT(files_below(folder), ElementsAre("sectorstore.json"));
  }
}

}  // namespace
}  // namespace scabbard::cli
