#include "base/crc64nvme.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace scabbard {
namespace {

std::uint64_t crc64_of(std::string_view text, std::uint64_t previous = 0) {
  return crc64nvme(std::as_bytes(std::span(text)), previous);
}

// NVM Command Set specification 1.0, figure 120, and the check value of the catalogue of parametrised CRC algorithms.
TEST(Crc64nvmeTest, Gives_the_published_values) {
  EXPECT_EQ(crc64_of(std::string(4096, '\0')), 0x6482D367EB22B64EU);
  EXPECT_EQ(crc64_of(std::string(4096, '\xFF')), 0xC0DDBA7302ECA3ACU);
  EXPECT_EQ(crc64_of("123456789"), 0xAE8B14860A799888U);
  EXPECT_EQ(crc64_of(""), 0U);
}

TEST(Crc64nvmeTest, Goes_on_from_a_previous_sum) {
  const std::string text(1000, 'x');
  for (const std::size_t split : {0, 1, 7, 8, 500, 1000}) {
    EXPECT_EQ(crc64_of(text.substr(split), crc64_of(text.substr(0, split))), crc64_of(text)) << split;
  }
}

TEST(Crc64nvmeTest, Sums_of_two_runs_make_that_of_both) {
  const std::string text(100'003, 'y');
  for (const std::size_t split : {0, 1, 1000, 100'003}) {
    const std::string back = text.substr(split);
    EXPECT_EQ(crc64nvme_combined(crc64_of(text.substr(0, split)), crc64_of(back), back.size()), crc64_of(text))
        << split;
  }
}

}  // namespace
}  // namespace scabbard
