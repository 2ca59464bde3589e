// Sums of sizes.
#include "cli/command_test.hpp"

namespace scabbard::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class DuTest : public CommandTest {
 protected:
  DuTest() {
    init("store");
    write("store/cache/deep/a", std::string(1000, 'x'));
    write("store/cache/b", std::string(1048, 'x'));
    write("store/sealed/c", "ccc");
    write("store/top", "t");
  }
};

nlohmann::json sum(const std::string& location, int objects, int bytes) {
  return {{"location", location}, {"objects", objects}, {"bytes", bytes}};
}

TEST_F(DuTest, Json_sums_up_each_folder_with_all_below_and_then_the_whole) {
  EXPECT_THAT(
      json_of({"du", "--json", "store"}),
      ElementsAre(sum(path("store/cache"), 2, 2048), sum(path("store/sealed"), 1, 3), sum(path("store"), 4, 2052)));
}

TEST_F(DuTest, Summary_is_one_line_for_each_location) {
  EXPECT_THAT(
      json_of({"du", "-s", "--json", "store", "store/cache", "store/top"}),
      ElementsAre(sum(path("store"), 4, 2052), sum(path("store/cache"), 2, 2048), sum(path("store/top"), 1, 1)));
}

TEST_F(DuTest, Sizes_are_for_people_unless_bytes_are_wanted) {
  EXPECT_THAT(out_of({"du", "store"}),
              AllOf(HasSubstr("2.0 KiB"), HasSubstr("1 object   sealed/"), HasSubstr("4 objects  store\n")));
  EXPECT_THAT(out_of({"du", "--bytes", "store"}), AllOf(HasSubstr(" 2048 "), Not(HasSubstr("KiB"))));
}

TEST_F(DuTest, Empty_folder_sums_up_to_nothing_and_a_missing_one_is_3) {
  make_folder("empty");
  EXPECT_THAT(json_of({"du", "--json", "empty"}), ElementsAre(sum(path("empty"), 0, 0)));
  EXPECT_THAT(run({"du", "store/gone"}), Fails(3, "no object or folder has that name"));
}

}  // namespace
}  // namespace scabbard::cli
