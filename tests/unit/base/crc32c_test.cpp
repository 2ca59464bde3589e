#include "base/crc32c.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace scabbard {
namespace {

std::uint32_t crc32c_of(std::string_view text) { return crc32c(std::as_bytes(std::span(text))); }

// The definition, one bit after the other.
std::uint32_t slow_sum(std::span<const std::byte> bytes) {
  std::uint32_t sum = ~0U;
  for (std::byte byte : bytes) {
    sum ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82F63B78U : 0);
  }
  return ~sum;
}

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 131 + i / 251);
  return bytes;
}

// RFC 3720, appendix B.4.
TEST(Crc32cTest, Gives_the_published_values) {
  std::vector<std::byte> bytes(32, std::byte{0});
  EXPECT_EQ(crc32c(bytes), 0x8A9136AAU);
  bytes.assign(32, std::byte{0xFF});
  EXPECT_EQ(crc32c(bytes), 0x62A8AB43U);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c(bytes), 0x46DD794EU);
  EXPECT_EQ(crc32c_of("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c_of(""), 0U);
}

TEST(Crc32cTest, Equals_the_definition_for_every_length_and_alignment) {
  auto bytes = pattern(20'000);
  for (std::size_t size : {1, 7, 8, 9, 63, 64, 1023, 3071, 3072, 3073, 3080, 6144, 9999, 19'000}) {
    for (std::size_t shift : {0, 1, 3, 7}) {
      auto part = std::span(bytes).subspan(shift, size);
      EXPECT_EQ(crc32c(part), slow_sum(part)) << size << " bytes from " << shift;
    }
  }
}

TEST(Crc32cTest, Goes_on_from_a_previous_sum) {
  auto bytes = pattern(10'000);
  for (std::size_t split : {0, 1, 4096, 9999}) {
    std::uint32_t first = crc32c(std::span(bytes).first(split));
    EXPECT_EQ(crc32c(std::span(bytes).subspan(split), first), crc32c(bytes)) << split;
  }
}

TEST(Crc32cTest, Sums_of_two_runs_make_that_of_both) {
  for (const std::size_t size : {0, 1, 7, 1000, 100'003}) {
    const auto bytes = pattern(size);
    for (const std::size_t first : {std::size_t{0}, size / 3, size / 2, size}) {
      const auto front = std::span(bytes).first(first);
      const auto back = std::span(bytes).subspan(first);
      EXPECT_EQ(crc32c_combined(crc32c(front), crc32c(back), back.size()), crc32c(bytes)) << first << " of " << size;
    }
  }
}

}  // namespace
}  // namespace scabbard
