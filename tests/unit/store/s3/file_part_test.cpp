#include "store/s3/file_part.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/crc32c.hpp"
#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/source_file.hpp"

namespace scabbard::s3 {
namespace {

constexpr std::size_t kOffset = 5000;
constexpr std::size_t kSize = std::size_t{1} << 20;

class FilePartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!FilePart::can_tell(source_.descriptor())) GTEST_SKIP() << "not on this filesystem";
  }

  std::span<const std::byte> expected() const { return std::span(bytes_).subspan(kOffset, kSize); }
  void evict() {
    ASSERT_EQ(::fsync(source_.descriptor()), 0);
    ASSERT_EQ(::posix_fadvise(source_.descriptor(), 0, 0, POSIX_FADV_DONTNEED), 0);
  }
  // As libcurl reads, and as Upload does for it what is missing.
  void read_from(std::uint64_t begin) {
    got_.resize(kSize);
    for (std::uint64_t at = begin; at < kSize;) {
      const std::size_t count = value_of(part_.read(at, std::span(got_).subspan(at)));
      if (count == 0) {
        ASSERT_GT(missing_, fetched_);
        fetched_ = missing_;
        ASSERT_THAT(part_.fetch(), Succeeds());
      }
      at += count;
    }
  }

  const Bytes bytes_ = pattern_bytes(1, kOffset + kSize + 100);
  SourceFile source_{bytes_};
  int missing_ = 0;
  int fetched_ = 0;
  FilePart part_{source_.descriptor(), kOffset, kSize, [this] { ++missing_; }};
  Bytes got_;
};

TEST_F(FilePartTest, Is_read_and_summed) {
  read_from(0);
  EXPECT_EQ(got_, Bytes(expected().begin(), expected().end()));
  EXPECT_EQ(part_.crc32c(), crc32c(expected()));
  EXPECT_EQ(missing_, 0);
}

TEST_F(FilePartTest, Is_summed_anew_by_another_attempt) {
  std::array<std::byte, 1000> some = {};
  ASSERT_THAT(part_.read(0, some), Succeeds());
  read_from(0);
  EXPECT_EQ(part_.crc32c(), crc32c(expected()));
}

TEST_F(FilePartTest, What_is_not_in_memory_is_missing_until_it_is_fetched) {
  evict();
  std::array<std::byte, 1000> some = {};
  EXPECT_EQ(value_of(part_.read(0, some)), 0U);
  EXPECT_EQ(missing_, 1);
  read_from(0);
  EXPECT_EQ(got_, Bytes(expected().begin(), expected().end()));
  EXPECT_EQ(part_.crc32c(), crc32c(expected()));
}

TEST_F(FilePartTest, Of_a_source_that_has_become_shorter_is_changed) {
  source_.resize(kOffset + 10);
  std::array<std::byte, 1000> some = {};
  EXPECT_EQ(value_of(part_.read(0, some)), 10U);
  EXPECT_THAT(part_.read(10, some), FailsWith(ErrorCode::kChanged));
  EXPECT_THAT(part_.sum(), FailsWith(ErrorCode::kChanged));
}

TEST_F(FilePartTest, Sum_is_that_of_all_of_it) { EXPECT_EQ(value_of(part_.sum()), crc32c(expected())); }

TEST(FilePart, Cannot_tell_of_a_pipe) {
  std::array<int, 2> ends = {};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  EXPECT_FALSE(FilePart::can_tell(ends[0]));
  for (int end : ends) ::close(end);
}

}  // namespace
}  // namespace scabbard::s3
