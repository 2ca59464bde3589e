#include "sector/tree_top_cache.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "unit/sector/shapes.hpp"

namespace scabbard::sector {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const TreeLayout kUsual = TreeLayout::usual(k32GiB);

class TreeTopCacheTest : public ::testing::Test {
 protected:
  std::unique_ptr<TreeTopCache> open(std::uint64_t limit = std::uint64_t{1} << 30U, unsigned first_level = 6) {
    return value_of(TreeTopCache::open({.folder = path_, .first_level = first_level, .limit = limit}));
  }

  static Node node(unsigned number) { return {std::byte(number)}; }

  static std::uint64_t size_of_one(const TreeTopCache& cache) {
    return kUsual.size() - kUsual.offset(cache.first_level(k32GiB));
  }
  static std::vector<std::byte> ends(const TreeTopCache& cache, unsigned number) {
    return pattern_bytes(number, k32GiB.trees * size_of_one(cache));
  }
  static Result<void> keep(TreeTopCache& cache, unsigned number) {
    return cache.keep(k32GiB, node(number), kUsual, ends(cache, number));
  }

  std::vector<fs::path> files() const { return {fs::directory_iterator(path_), fs::directory_iterator()}; }
  void flip_byte(std::uint64_t offset) const {
    std::fstream file(files().at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
  }
  static void age(const fs::path& file, fs::file_time_type::duration by) {
    fs::last_write_time(file, fs::last_write_time(file) - by);
  }

  const TemporaryFolder folder_{TemporaryFolder::Where::kMemory};
  const std::string path_ = folder_ / "cache";
};

TEST_F(TreeTopCacheTest, Whatever_is_kept_is_read_back_by_the_next_process) {
  const std::vector<std::byte> kept = ends(*open(), 1);
  ASSERT_THAT(keep(*open(), 1), Succeeds());
  const auto cache = open();
  const auto tops = cache->find(k32GiB, node(1));
  ASSERT_TRUE(tops);
  EXPECT_EQ(tops->layout(), kUsual);
  EXPECT_EQ(tops->begin(), kUsual.offset(6));
  for (const unsigned tree : {0U, 3U, 7U}) {
    for (const std::size_t begin : {std::size_t{0}, std::size_t{4'000}, size_of_one(*cache) - 5'000}) {
      std::vector<std::byte> read(5'000);
      ASSERT_TRUE(tops->read(tree, tops->begin() + begin, read));
      const auto expected = std::span(kept).subspan(tree * size_of_one(*cache) + begin, read.size());
      EXPECT_TRUE(std::ranges::equal(read, expected)) << tree << " " << begin;
    }
  }
}

TEST_F(TreeTopCacheTest, Trees_with_another_root_or_of_another_size_are_not_there) {
  const auto cache = open();
  ASSERT_THAT(keep(*cache, 1), Succeeds());
  EXPECT_FALSE(cache->find(k32GiB, node(2)));
  EXPECT_FALSE(cache->find(k8MiB, node(1)));
}

TEST_F(TreeTopCacheTest, A_cache_of_more_levels_has_use_for_fewer_of_them_only_once) {
  ASSERT_THAT(keep(*open(), 1), Succeeds());
  const auto deeper = open(1U << 30U, 5);
  EXPECT_FALSE(deeper->find(k32GiB, node(1)));
  ASSERT_THAT(keep(*deeper, 1), Succeeds());
  EXPECT_TRUE(deeper->find(k32GiB, node(1)));
  EXPECT_TRUE(open()->find(k32GiB, node(1)));
  EXPECT_THAT(files(), SizeIs(1));
}

TEST_F(TreeTopCacheTest, A_damaged_beginning_goes) {
  const auto cache = open();
  for (const std::uint64_t offset : {0U, 9U, 14U, 17U, 25U, 40U, 70U}) {
    ASSERT_THAT(keep(*cache, 1), Succeeds());
    flip_byte(offset);
    EXPECT_FALSE(cache->find(k32GiB, node(1))) << offset;
    EXPECT_THAT(files(), IsEmpty()) << offset;
  }
}

TEST_F(TreeTopCacheTest, A_damaged_or_missing_block_is_not_read) {
  const auto cache = open();
  ASSERT_THAT(keep(*cache, 1), Succeeds());
  flip_byte(fs::file_size(files()[0]) - 1);
  const auto tops = cache->find(k32GiB, node(1));
  std::vector<std::byte> node(kNodeSize);
  EXPECT_TRUE(tops->read(0, kUsual.offset(6), node));
  EXPECT_FALSE(tops->read(7, kUsual.size() - kNodeSize, node));
  fs::resize_file(files()[0], 8'000);
  EXPECT_FALSE(tops->read(6, kUsual.offset(6), node));
}

TEST_F(TreeTopCacheTest, Room_is_made_by_what_was_not_used_lately_and_by_nothing_else) {
  const std::uint64_t size = std::uint64_t{151} << 10U;
  const auto cache = open(2 * size);
  ASSERT_THAT(keep(*cache, 1), Succeeds());
  age(files()[0], 72h);
  ASSERT_THAT(keep(*cache, 2), Succeeds());
  ASSERT_THAT(keep(*cache, 3), Succeeds());
  EXPECT_FALSE(cache->find(k32GiB, node(1)));
  EXPECT_THAT(keep(*cache, 4), FailsSaying(ErrorCode::kNoSpace, "--cache-size"));
  EXPECT_TRUE(cache->find(k32GiB, node(2)));
  EXPECT_TRUE(cache->find(k32GiB, node(3)));
}

TEST_F(TreeTopCacheTest, A_limit_below_one_sector_is_said_to_be_that) {
  EXPECT_THAT(keep(*open(300), 1), FailsSaying(ErrorCode::kNoSpace, "one sector takes"));
}

TEST_F(TreeTopCacheTest, A_link_is_refused_with_and_without_a_slash) {
  fs::create_directories(folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", path_);
  for (const char* end : {"", "/"}) EXPECT_THAT(TreeTopCache::open({.folder = path_ + end}), FailsWith(ErrorCode::kIo));
}

TEST_F(TreeTopCacheTest, Use_is_noted) {
  const auto cache = open(std::uint64_t{200} << 10U);
  ASSERT_THAT(keep(*cache, 1), Succeeds());
  age(files()[0], 72h);
  EXPECT_TRUE(cache->find(k32GiB, node(1)));
  EXPECT_THAT(keep(*cache, 2), FailsWith(ErrorCode::kNoSpace));
}

TEST_F(TreeTopCacheTest, What_a_dead_process_did_not_finish_goes) {
  open();
  const fs::path old = path_ + "/.unfinished-1";
  const fs::path young = path_ + "/.unfinished-2";
  std::ofstream{old} << "text";
  std::ofstream{young} << "text";
  age(old, 2h);
  ASSERT_THAT(keep(*open(), 1), Succeeds());
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young));
}

TEST_F(TreeTopCacheTest, Whatever_else_lies_there_stays) {
  open();
  std::ofstream{path_ + "/wallet.key"} << std::string(5'000, 'x');
  age(path_ + "/wallet.key", 1'000h);
  const auto cache = open(std::uint64_t{151} << 10U);
  EXPECT_THAT(keep(*cache, 1), Succeeds());
  EXPECT_THAT(keep(*cache, 2), FailsWith(ErrorCode::kNoSpace));
  EXPECT_TRUE(fs::exists(path_ + "/wallet.key"));
}

TEST_F(TreeTopCacheTest, A_folder_where_others_may_write_is_refused) {
  fs::create_directories(path_);
  for (const fs::perms shared : {fs::perms::all, fs::perms::all | fs::perms::sticky_bit}) {
    fs::permissions(path_, shared);
    EXPECT_THAT(TreeTopCache::open({.folder = path_}), FailsSaying(ErrorCode::kPermissionDenied, "--cache"));
  }
}

}  // namespace
}  // namespace scabbard::sector
