// What is known of objects, folders and stores.
#include <filesystem>

#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class StatTest : public CommandTest {
 protected:
  StatTest() {
    init("store");
    write("store/folder/object", std::string(2048, 'x'));
  }
};

TEST_F(StatTest, Shows_an_object_with_its_store_and_where_it_is) {
  const auto lines = json_of({"stat", "--json", "store/folder/object"});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["object"], "folder/object");
  EXPECT_EQ(lines[0]["store"], "store");
  EXPECT_EQ(lines[0]["location"], path("store/folder/object"));
  EXPECT_EQ(lines[0]["size"], 2048);
  EXPECT_THAT(lines[0]["modified"].get<std::string>(), ::testing::EndsWith("Z"));
  EXPECT_THAT(keys_of(lines[0]), IsSupersetOf({"version"}));
  EXPECT_THAT(out_of({"stat", "store/folder/object"}),
              AllOf(HasSubstr("object      folder/object\n"), HasSubstr("size        2048 (2.0 KiB)\n")));
}

TEST_F(StatTest, Version_changes_with_the_content) {
  const auto before = json_of({"stat", "--json", "store/folder/object"})[0]["version"];
  EXPECT_THAT(run({"cp", "-", "store/folder/object"}, {.input = "other"}), Succeeds());
  EXPECT_NE(json_of({"stat", "--json", "store/folder/object"})[0]["version"], before);
}

TEST_F(StatTest, Shows_a_folder_as_one) {
  EXPECT_EQ(json_of({"stat", "--json", "store/folder"})[0],
            nlohmann::json({{"folder", "folder"}, {"store", "store"}, {"location", path("store/folder")}}));
}

TEST_F(StatTest, Shows_a_store_with_its_space) {
  const auto store = json_of({"stat", "--json", "store"})[0];
  EXPECT_EQ(store["store"], "store");
  EXPECT_EQ(store["path"], path("store"));
  EXPECT_EQ(store["scheme"], "file");
  EXPECT_EQ(store["read-only"], false);
  EXPECT_GT(store["total"].get<std::uint64_t>(), 0U);
  EXPECT_THAT(out_of({"stat", "store"}), HasSubstr("read-only   no\n"));
}

TEST_F(StatTest, Shows_objects_that_are_elsewhere_where_their_store_is) {
  make_folder("objects");
  EXPECT_THAT(run({"init", "-q", "pointer", "--url", "file://" + path("objects")}), Succeeds());
  write("objects/folder/a", "a");
  EXPECT_EQ(json_of({"stat", "--json", "pointer/folder/a"})[0]["location"], path("pointer/folder/a"));
  EXPECT_EQ(json_of({"stat", "--json", "pointer/folder"})[0]["folder"], "folder");
}

TEST_F(StatTest, Shows_several_and_goes_on_after_one_that_is_missing) {
  const Outcome outcome = run({"stat", "--json", "store/gone", "store/folder/object", "store"});
  EXPECT_THAT(outcome, Fails(4, "gone"));
  EXPECT_EQ(json_lines(outcome.out).size(), 2U);
}

}  // namespace
}  // namespace scabbard::cli
