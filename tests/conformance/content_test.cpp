// What was put is what is read: empty and large objects, ranges, readers.
#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

TEST_P(Conformance, Empty_object_is_an_object) {
  const auto written = put("empty", "");
  ASSERT_THAT(written, Succeeds());
  EXPECT_EQ(written->size, 0U);
  EXPECT_THAT(get("empty"), Gives(""));
  EXPECT_EQ(value_of(store().stat(ctx(), "empty")).size, 0U);
  EXPECT_THAT(names(), Gives(::testing::ElementsAre("empty")));
}

TEST_P(Conformance, Sizes_around_the_writers_buffer) {
  auto probe = value_of(store().create(ctx(), "probe"));
  const std::size_t buffer = value_of(probe->acquire(ctx())).size();
  EXPECT_GE(buffer, std::size_t{64} << 10);
  probe.reset();
  for (const std::size_t size : {std::size_t{1}, buffer - 1, buffer, buffer + 1, 2 * buffer, 3 * buffer + 7}) {
    SCOPED_TRACE(size);
    const Bytes bytes = pattern_bytes(size, size);
    const auto written = put_bytes(store(), ctx(), "object", bytes);
    ASSERT_THAT(written, Succeeds());
    EXPECT_EQ(written->size, size);
    EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(store(), ctx(), "object"))), "equal");
  }
}

TEST_P(Conformance, Large_object) {
  const Bytes bytes = pattern_bytes(1, provider().large_object);
  ASSERT_THAT(put_bytes(store(), ctx(), "large", bytes, {.exclusive = false, .length = bytes.size()}), Succeeds());
  EXPECT_EQ(value_of(store().stat(ctx(), "large")).size, bytes.size());
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(store(), ctx(), "large"))), "equal");
}

TEST_P(Conformance, Buffers_may_be_filled_in_part) {
  auto writer = value_of(store().create(ctx(), "object"));
  const Bytes bytes = pattern_bytes(2, 10'000);
  for (std::size_t at = 0, step = 0; at < bytes.size(); at += step) {
    const auto buffer = value_of(writer->acquire(ctx()));
    step = std::min<std::size_t>({step + 1, bytes.size() - at, buffer.size()});
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), step, buffer.begin());
    value_of(writer->commit(ctx(), step));
  }
  value_of(writer->commit(ctx(), 0));
  EXPECT_EQ(value_of(writer->finish(ctx())).size, bytes.size());
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(store(), ctx(), "object"))), "equal");
}

TEST_P(Conformance, Write_info_has_the_checksum_and_the_version) {
  const auto written = put("object", "123456789");
  ASSERT_THAT(written, Succeeds());
  EXPECT_EQ(written->size, 9U);
  // The check value of CRC-32C, from the catalogue of parametrised CRC algorithms.
  ASSERT_TRUE(written->crc32c.has_value());
  EXPECT_EQ(*written->crc32c, 0xE3069283U);
  const auto info = value_of(store().stat(ctx(), "object"));
  EXPECT_EQ(info.version, written->version);
  EXPECT_FALSE(info.version.empty());
  EXPECT_LE(info.version.size(), 127U);
}

TEST_P(Conformance, Modification_time_is_about_now) {
  value_of(put("object", "text"));
  const auto age = std::chrono::system_clock::now() - value_of(store().stat(ctx(), "object")).modified;
  EXPECT_LT(std::chrono::abs(age), std::chrono::minutes(5));
}

TEST_P(Conformance, Ranges_at_across_and_past_the_end) {
  const Bytes bytes = pattern_bytes(3, 100'000);
  value_of(put_bytes(store(), ctx(), "object", bytes));
  const auto reader = value_of(store().open(ctx(), "object"));
  EXPECT_EQ(reader->info().size, bytes.size());
  struct Case {
    std::uint64_t offset;
    std::size_t length;
  };
  const std::vector<Case> cases = {{0, 0},
                                   {0, 1},
                                   {0, 100'000},
                                   {0, 100'001},
                                   {1, 4096},
                                   {4096, 4096},
                                   {99'999, 1},
                                   {99'999, 2},
                                   {99'000, 4096},
                                   {100'000, 0},
                                   {100'000, 1},
                                   {100'001, 10},
                                   {1'000'000'000'000, 10},
                                   {static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()), 10},
                                   {std::numeric_limits<std::uint64_t>::max(), 10}};
  for (const auto& [offset, length] : cases) {
    SCOPED_TRACE(std::to_string(length) + " bytes at " + std::to_string(offset));
    Bytes into(length + 8, std::byte{0xAA});
    const auto got = reader->read_at(ctx(), offset, std::span(into).first(length));
    ASSERT_THAT(got, Succeeds());
    const Bytes expected =
        slice(bytes, static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes.size())), length);
    EXPECT_EQ(describe_difference(expected, std::span(into).first(*got)), "equal");
    for (std::size_t at = *got; at < into.size(); ++at) {
      ASSERT_EQ(into[at], std::byte{0xAA}) << "written past what was read, at " << at;
    }
  }
  EXPECT_EQ(reader->position(), 0U) << "read_at leaves the position alone";
}

TEST_P(Conformance, Read_moves_the_position_and_seek_sets_it) {
  value_of(put("object", "0123456789"));
  const auto reader = value_of(store().open(ctx(), "object"));
  Bytes four(4);
  EXPECT_THAT(reader->read(ctx(), four), Gives(4U));
  EXPECT_EQ(to_text(four), "0123");
  EXPECT_EQ(reader->position(), 4U);
  reader->seek(8);
  EXPECT_THAT(reader->read(ctx(), four), Gives(2U));
  EXPECT_EQ(to_text(four).substr(0, 2), "89");
  EXPECT_THAT(reader->read(ctx(), four), Gives(0U));
  EXPECT_EQ(reader->position(), 10U);
}

TEST_P(Conformance, Seek_past_the_end_reads_nothing) {
  value_of(put("object", "0123456789"));
  const auto reader = value_of(store().open(ctx(), "object"));
  Bytes four(4);
  for (const std::uint64_t offset : {std::uint64_t{10}, std::uint64_t{11}, std::numeric_limits<std::uint64_t>::max()}) {
    reader->seek(offset);
    EXPECT_EQ(reader->position(), offset);
    EXPECT_THAT(reader->read(ctx(), four), Gives(0U));
  }
  reader->seek(0);
  EXPECT_THAT(read_rest(*reader, ctx()), Gives(to_bytes("0123456789")));
}

TEST_P(Conformance, Reader_may_be_shared_for_reading_at_offsets) {
  const Bytes bytes = pattern_bytes(4, 1'000'000);
  value_of(put_bytes(store(), ctx(), "object", bytes));
  const auto reader = value_of(store().open(ctx(), "object"));
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        Bytes into(5000);
        for (std::size_t at = thread * 1000; at + into.size() < bytes.size(); at += 47'111) {
          const auto got = reader->read_at(ctx(), at, into);
          if (!got || !std::ranges::equal(into, slice(bytes, at, into.size()))) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST_P(Conformance, Reader_outlives_the_stores_handle) {
  value_of(put("object", "text"));
  const auto reader = value_of(store().open(ctx(), "object"));
  forget_store();
  EXPECT_THAT(read_rest(*reader, ctx()), Gives(to_bytes("text")));
}

TEST_P(Conformance, Space_is_plausible_and_shared_by_stores_on_one_place) {
  const auto space = store().space(ctx());
  ASSERT_THAT(space, Succeeds());
  EXPECT_LE(space->free, space->total);
  EXPECT_LE(space->used, space->total);
  EXPECT_FALSE(space->type.empty());
  EXPECT_EQ(value_of(place().open()->space(ctx())).filesystem, space->filesystem);
}

}  // namespace
}  // namespace scabbard
