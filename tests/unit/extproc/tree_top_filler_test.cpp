#include "extproc/tree_top_filler.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include "support/result_matchers.hpp"
#include "support/small_sector.hpp"
#include "support/temporary_folder.hpp"
#include "unit/sector/shapes.hpp"

namespace scabbard::extproc {
namespace {

namespace fs = std::filesystem;
using sector::k2KiB;
using ::testing::HasSubstr;

class TreeTopFillerTest : public ::testing::Test {
 protected:
  TreeTopFiller::Trees sector(unsigned number) {
    const std::string id = "s-t01000-" + std::to_string(number);
    for (const auto& [object, content] : small_sector(id, number)) {
      fs::create_directories(fs::path(stored_ / object).parent_path());
      std::ofstream(stored_ / object) << content;
    }
    return {.shape = &k2KiB, .cache_folder = {.store = store_, .object = "cache/" + id}};
  }

  std::unique_ptr<TreeTopFiller> filler(std::uint64_t limit) {
    cache_ = value_of(sector::TreeTopCache::open({.folder = kept_, .limit = limit}));
    return std::make_unique<TreeTopFiller>(*cache_, [this](const std::string& line) { saying_.set_value(line); });
  }
  bool is_empty() const { return fs::is_empty(kept_); }

  const TemporaryFolder stored_{TemporaryFolder::Where::kMemory};
  const TemporaryFolder cache_folder_{TemporaryFolder::Where::kMemory};
  const std::string kept_ = cache_folder_ / "cache";
  const std::shared_ptr<Store> store_ = value_of(open_store({.name = "", .path = stored_.string(), .meta = {}}));
  std::unique_ptr<sector::TreeTopCache> cache_;
  std::promise<std::string> saying_;
  std::future<std::string> said_ = saying_.get_future();
};

TEST_F(TreeTopFillerTest, Sectors_wait_while_something_else_is_read) {
  const auto filler = this->filler(1'000'000);
  {
    const TreeTopFiller::Pause pause(filler.get());
    const TreeTopFiller::Pause another(filler.get());
    filler->add(sector(1));
    filler->add(sector(2));
    EXPECT_TRUE(is_empty());
  }
  EXPECT_EQ(said_.get(), "the tree tops of 2 sectors were put into the cache");
  EXPECT_FALSE(is_empty());
}

TEST_F(TreeTopFillerTest, What_cannot_be_kept_is_told_once) {
  const auto filler = this->filler(1);
  {
    const TreeTopFiller::Pause pause(filler.get());
    for (unsigned number = 0; number < 20; ++number) filler->add(sector(number));
  }
  EXPECT_THAT(said_.get(),
              HasSubstr("of 0 sectors were put into the cache, of 20 others not; the first: --cache-size"));
}

}  // namespace
}  // namespace scabbard::extproc
