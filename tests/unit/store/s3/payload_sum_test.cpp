#include "store/s3/payload_sum.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace scabbard::s3 {
namespace {

PayloadSums sums_of(std::string_view text, bool is_signed, Checksum checksum) {
  PayloadSum sum(is_signed, checksum);
  sum.add(std::as_bytes(std::span(text)));
  return sum.take();
}

// Computed with openssl dgst, base64 and the published CRCs.
TEST(PayloadSumTest, Is_the_one_that_the_header_wants) {
  EXPECT_EQ(sums_of("123456789", false, Checksum::kNone).checksum, "");
  EXPECT_EQ(sums_of("123456789", false, Checksum::kMd5).checksum, "JfnnlDI7RTiF9RgfG2JNCw==");
  EXPECT_EQ(sums_of("123456789", false, Checksum::kCrc32c).checksum, "4waSgw==");
  EXPECT_EQ(sums_of("123456789", false, Checksum::kSha256).checksum, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
  EXPECT_EQ(sums_of("123456789", false, Checksum::kCrc64nvme).checksum, "rosUhgp5mIg=");
}

TEST(PayloadSumTest, Signs_the_payload_where_that_is_wanted) {
  EXPECT_EQ(sums_of("", true, Checksum::kNone).payload_hash,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sums_of("", false, Checksum::kSha256).payload_hash, "UNSIGNED-PAYLOAD");
}

TEST(PayloadSumTest, Begins_anew_after_it_was_taken) {
  for (const Checksum checksum : {Checksum::kMd5, Checksum::kCrc32c, Checksum::kSha256, Checksum::kCrc64nvme}) {
    PayloadSum sum(true, checksum);
    const std::string_view text = "123456789";
    sum.add(std::as_bytes(std::span(text)));
    const PayloadSums first = sum.take();
    sum.add(std::as_bytes(std::span(text)));
    const PayloadSums second = sum.take();
    EXPECT_EQ(first.checksum, second.checksum);
    EXPECT_EQ(first.payload_hash, second.payload_hash);
    EXPECT_EQ(first.crc32c, second.crc32c);
  }
}

TEST(ChecksumOfPartsTest, Is_that_of_all_bytes_or_of_the_sums) {
  for (const Checksum checksum : {Checksum::kCrc32c, Checksum::kCrc64nvme}) {
    const std::array parts = {sums_of("1234", false, checksum), sums_of("56789", false, checksum)};
    EXPECT_EQ(checksum_of_parts(checksum, parts), sums_of("123456789", false, checksum).checksum);
  }
  const std::array parts = {sums_of("1234", false, Checksum::kSha256), sums_of("56789", false, Checksum::kSha256)};
  EXPECT_EQ(checksum_of_parts(Checksum::kSha256, parts), "bnRBBTileCDVQlLT/6fZJGrqcf3O3X6G8kD8V7zZqxQ=-2");
}

}  // namespace
}  // namespace scabbard::s3
