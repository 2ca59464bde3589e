// Option Checksum of the backends that have it: servers are told, compare, and tell in turn.
#include "base/crc32c.hpp"
#include "conformance/store_test.hpp"
#include "support/source_file.hpp"

namespace scabbard {
namespace {

TEST_P(Conformance, Checksums_go_with_objects_and_parts) {
  if (store().scheme() != "s3") GTEST_SKIP() << "this backend has none";
  for (const std::string checksum : {"none", "md5", "crc32c", "sha256", "crc64nvme"}) {
    SCOPED_TRACE(checksum);
    const auto with = place().open({.meta = {{"Checksum", checksum}}});
    for (const std::size_t size : {std::size_t{0}, std::size_t{1000}, (std::size_t{12} << 20) + 1}) {
      const Bytes bytes = pattern_bytes(size, size);
      EXPECT_EQ(value_of(put_bytes(*with, ctx(), "streamed", bytes, {.length = size})).crc32c, crc32c(bytes));
      EXPECT_EQ(value_of(with->put_file(ctx(), "file", SourceFile(bytes).whole())).crc32c, crc32c(bytes));
      EXPECT_EQ(value_of(get_bytes(*with, ctx(), "streamed")), bytes) << size;
      EXPECT_EQ(value_of(get_bytes(*with, ctx(), "file")), bytes) << size;
    }
  }
}

TEST_P(Conformance, Objects_with_another_checksum_or_none_are_read) {
  if (store().scheme() != "s3") GTEST_SKIP() << "this backend has none";
  const Bytes bytes = pattern_bytes(1, std::size_t{6} << 20);
  for (const std::string written : {"none", "crc32c", "sha256"}) {
    value_of(put_bytes(*place().open({.meta = {{"Checksum", written}}}), ctx(), "object", bytes));
    for (const std::string read : {"none", "crc32c", "sha256", "crc64nvme"}) {
      EXPECT_EQ(value_of(get_bytes(*place().open({.meta = {{"Checksum", read}}}), ctx(), "object")), bytes)
          << written << " read as " << read;
    }
  }
}

}  // namespace
}  // namespace scabbard
