#include "extproc/kept_sectors.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "unit/sector/shapes.hpp"

namespace scabbard::extproc {
namespace {

using namespace std::chrono_literals;
using sector::k2KiB;

class KeptSectorsTest : public ::testing::Test {
 protected:
  KeptSector staged() {
    auto files = value_of(staging_->add(k2KiB, 0));
    folders_.push_back(files->cache_folder());
    return {.files = std::move(files), .layout = sector::TreeLayout::usual(k2KiB)};
  }
  bool is_there(std::size_t i) const { return std::filesystem::exists(folders_.at(i)); }

  const TemporaryFolder folder_{TemporaryFolder::Where::kMemory};
  const std::unique_ptr<sector::Staging> staging_ = value_of(sector::Staging::open(folder_ / "staging"));
  std::vector<std::string> folders_;
  ManualClock clock_;
  KeptSectors kept_{10min, Context().with_clock(clock_)};
};

TEST_F(KeptSectorsTest, What_is_kept_is_taken_once) {
  kept_.keep("a", staged());
  EXPECT_FALSE(kept_.take("b"));
  EXPECT_TRUE(kept_.take("a"));
  EXPECT_FALSE(kept_.take("a"));
  EXPECT_FALSE(is_there(0));
}

TEST_F(KeptSectorsTest, Each_goes_when_its_time_is_over) {
  kept_.keep("a", staged());
  clock_.advance(6min);
  kept_.keep("b", staged());
  clock_.advance(5min);
  const auto limit = std::chrono::steady_clock::now() + 1min;
  while (is_there(0) && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_FALSE(is_there(0));
  EXPECT_TRUE(is_there(1));
  EXPECT_FALSE(kept_.take("a"));
}

TEST_F(KeptSectorsTest, The_oldest_makes_way_first) {
  EXPECT_FALSE(kept_.drop_oldest());
  kept_.keep("b", staged());
  clock_.advance(1s);
  kept_.keep("a", staged());
  EXPECT_TRUE(kept_.drop_oldest());
  EXPECT_FALSE(is_there(0));
  EXPECT_TRUE(is_there(1));
}

TEST_F(KeptSectorsTest, One_of_the_same_key_takes_the_place_of_the_other) {
  kept_.keep("a", staged());
  kept_.keep("a", staged());
  EXPECT_FALSE(is_there(0));
  EXPECT_TRUE(is_there(1));
}

}  // namespace
}  // namespace scabbard::extproc
