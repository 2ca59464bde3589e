#include "sector/scalar.hpp"

#include <gmock/gmock.h>

#include <string>

#include "support/byte_patterns.hpp"

namespace scabbard::sector {
namespace {

using ::testing::Eq;
using ::testing::Optional;

// The order of the field, as it would stand in a file.
const std::string kOrder(
    "\x01\x00\x00\x00\xff\xff\xff\xff\xfe\x5b\xfe\xff\x02\xa4\xbd\x53"
    "\x05\xd8\xa1\x09\x08\xd8\x39\x33\x48\x7d\x9d\x29\x53\xa7\xed\x73",
    32);

TEST(ScalarTest, Numbers_below_the_order_are_scalars) {
  std::string largest = kOrder;
  largest[0] = 0;
  const std::string zero(32, '\0');
  EXPECT_EQ(first_that_is_no_scalar(to_bytes(zero + largest + zero)), std::nullopt);
}

TEST(ScalarTest, The_first_that_is_none_is_found) {
  const std::string zero(32, '\0');
  EXPECT_THAT(first_that_is_no_scalar(to_bytes(zero + kOrder)), Optional(Eq(32U)));
  EXPECT_THAT(first_that_is_no_scalar(to_bytes(zero + zero + std::string(31, '\0') + '\x74')), Optional(Eq(64U)));
  std::string above = kOrder;
  above[4] = '\0';
  above[12] = '\x03';
  EXPECT_THAT(first_that_is_no_scalar(to_bytes(above)), Optional(Eq(0U)));
}

}  // namespace
}  // namespace scabbard::sector
