#include "sector/staging.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "unit/sector/shapes.hpp"

namespace scabbard::sector {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const TreeLayout kLayout = TreeLayout::usual(k2KiB);

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class StagingTest : public ::testing::Test {
 protected:
  std::vector<fs::path> entries() const {
    return {fs::directory_iterator(folder_.path() / "staging"), fs::directory_iterator()};
  }

  // Whole, with a p_aux that names the root.
  void fill(StagedSector& sector, const std::vector<PlannedRead>& reads) {
    for (const PlannedRead& read : reads) write(sector, read, 1);
  }
  void write(StagedSector& sector, const PlannedRead& read, std::uint64_t seed) {
    auto bytes = pattern_bytes(seed, read.length);
    if (read.file == kPersistentAux) std::ranges::copy(pattern_bytes(1, kNodeSize), bytes.end() - kNodeSize);
    EXPECT_THAT(sector.write(read.file, file_size(k2KiB, kLayout, read.file), {{{.read = read, .bytes = bytes}}}),
                Succeeds());
  }

  const TemporaryFolder folder_{TemporaryFolder::Where::kMemory};
  const std::string path_ = folder_ / "staging";
  const std::vector<PlannedRead> reads_ = plan_reads(k2KiB, kLayout, {5});
};

TEST_F(StagingTest, Files_have_full_length_and_the_ranges_that_were_written) {
  const auto staging = value_of(Staging::open(path_));
  const auto sector = value_of(staging->add(k2KiB, 0));
  const auto bytes = pattern_bytes(1, 16);
  const StagedRange range{.read = {.file = kSealedFile, .length = 16, .offset = 100}, .bytes = bytes};
  ASSERT_THAT(sector->write(kSealedFile, 2048, {{range}}), Succeeds());
  EXPECT_EQ(content_of(sector->sealed_file()), std::string(100, '\0') + to_text(bytes) + std::string(1932, '\0'));
}

TEST_F(StagingTest, A_whole_sector_passes_its_check) {
  const auto staging = value_of(Staging::open(path_));
  const auto sector = value_of(staging->add(k2KiB, 0));
  fill(*sector, reads_);
  EXPECT_THAT(sector->check(kLayout, reads_), Succeeds());
}

TEST_F(StagingTest, Whatever_is_not_there_is_found) {
  const auto staging = value_of(Staging::open(path_));
  const auto sector = value_of(staging->add(k2KiB, 0));
  EXPECT_THAT(sector->check(kLayout, reads_), FailsWith(ErrorCode::kIo));
  fill(*sector, reads_);
  const auto more = plan_reads(k2KiB, TreeLayout(k2KiB, 0), {5});
  EXPECT_THAT(sector->check(kLayout, more), FailsWith(ErrorCode::kInternal));
  fs::resize_file(sector->sealed_file(), 100);
  EXPECT_THAT(sector->check(kLayout, reads_), FailsWith(ErrorCode::kInternal));
  fill(*sector, reads_);
  fs::remove(sector->cache_folder() + "/p_aux");
  EXPECT_THAT(sector->check(kLayout, reads_), FailsWith(ErrorCode::kIo));
}

TEST_F(StagingTest, Room_is_promised_until_it_is_used_or_not_needed) {
  PromisedRoom room;
  {
    StagedSector sector(folder_ / "sector", k2KiB, room, 3 * 4'096);
    EXPECT_EQ(room.bytes(), 3 * 4'096U);
    fs::create_directories(sector.cache_folder());
    for (int times = 0; times < 2; ++times) write(sector, reads_.front(), 1);
    EXPECT_EQ(room.bytes(), 2 * 4'096U);
  }
  EXPECT_EQ(room.bytes(), 0U);
}

TEST_F(StagingTest, Promised_room_is_not_free) {
  const auto staging = value_of(Staging::open(path_));
  const std::uint64_t free = fs::space(path_).available;
  EXPECT_THAT(staging->has_room(free / 2), Gives(true));
  const auto sector = value_of(staging->add(k2KiB, free / 3 * 2));
  EXPECT_THAT(staging->has_room(free / 2), Gives(false));
}

TEST_F(StagingTest, A_tree_that_p_aux_does_not_name_is_corrupt) {
  const auto staging = value_of(Staging::open(path_));
  const auto sector = value_of(staging->add(k2KiB, 0));
  fill(*sector, reads_);
  write(*sector, reads_.back(), 2);
  EXPECT_THAT(sector->check(kLayout, reads_), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(StagingTest, Nobody_else_may_look_in_and_nothing_is_left) {
  {
    const auto staging = value_of(Staging::open(path_));
    const auto sector = value_of(staging->add(k2KiB, 0));
    fill(*sector, reads_);
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
    EXPECT_THAT(entries(), SizeIs(1));
  }
  EXPECT_THAT(entries(), IsEmpty());
}

TEST_F(StagingTest, What_the_dead_left_goes_and_what_the_living_have_stays) {
  fs::create_directories(fs::path(path_) / "scabbard-staging-dead/1/cache");
  fs::create_directories(fs::path(path_) / "of-somebody-else");
  fs::permissions(path_, fs::perms::owner_all);
  const auto first = value_of(Staging::open(path_));
  const auto second = value_of(Staging::open(path_));
  EXPECT_TRUE(fs::exists(first->folder()));
  EXPECT_TRUE(fs::exists(second->folder()));
  EXPECT_FALSE(fs::exists(fs::path(path_) / "scabbard-staging-dead"));
  EXPECT_TRUE(fs::exists(fs::path(path_) / "of-somebody-else"));
}

TEST_F(StagingTest, A_folder_where_others_may_write_is_refused) {
  fs::create_directories(path_);
  fs::permissions(path_, fs::perms::all);
  EXPECT_THAT(Staging::open(path_), FailsWith(ErrorCode::kPermissionDenied));
}

TEST_F(StagingTest, A_file_in_its_place_is_an_error) {
  std::ofstream(folder_ / "staging") << "text";
  EXPECT_THAT(Staging::open(path_), FailsWith(ErrorCode::kIo));
}

TEST(StagedSizeTest, A_32_GiB_sector_takes_less_than_half_a_megabyte) {
  const Shape& shape = *shape_named("32GiB");
  const ProofType type{.kind = ProofKind::kWindowV12, .shape = &shape};
  const auto plans = plan_reads(type, Seed{}, {1, 2, 3});
  for (const SectorPlan& plan : plans) {
    EXPECT_GT(staged_size(plan.reads), 300'000U);
    EXPECT_LT(staged_size(plan.reads), 450'000U);
  }
}

}  // namespace
}  // namespace scabbard::sector
