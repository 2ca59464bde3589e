// Many small reads at once: each entry has its own fate.
#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <set>
#include <thread>

#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

RangeRead range(std::string_view object, std::int64_t offset, std::span<std::byte> into) {
  return {.object = object, .offset = offset, .into = into, .if_version = {}, .version = {}};
}

RangeRead stat_of(std::string_view object) { return range(object, 0, {}); }

TEST_P(Conformance, Queue_reads_ranges_from_the_start_and_from_the_end) {
  const Bytes bytes = pattern_bytes(1, 100'000);
  const std::string version = value_of(put_bytes(store(), ctx(), "object", bytes)).version;
  struct Case {
    std::int64_t offset;
    std::size_t length;
    std::size_t begin;  // where that is
  };
  const auto end = static_cast<std::int64_t>(bytes.size());
  const std::vector<Case> cases = {{0, 1, 0},
                                   {0, 100'000, 0},
                                   {0, 200'000, 0},
                                   {99'990, 100, 99'990},
                                   {end, 10, 100'000},
                                   {end + 1, 10, 100'000},
                                   {-1, 1, 99'999},
                                   {-64, 64, 99'936},
                                   {-64, 10, 99'936},
                                   {-64, 100, 99'936},
                                   {-end, 10, 0},
                                   {-end - 1, 10, 0},
                                   {-10 * end, 200'000, 0},
                                   {std::numeric_limits<std::int64_t>::min(), 10, 0},
                                   {std::numeric_limits<std::int64_t>::max(), 10, 100'000}};
  std::vector<Bytes> buffers;
  std::vector<RangeRead> entries;
  for (const Case& c : cases) buffers.emplace_back(c.length + 8, std::byte{0xAA});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    entries.push_back(range("object", cases[i].offset, std::span(buffers[i]).first(cases[i].length)));
  }
  ASSERT_THAT(store().read(ctx(), entries), Succeeds());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(std::to_string(cases[i].length) + " bytes at " + std::to_string(cases[i].offset));
    ASSERT_THAT(entries[i].got, Succeeds());
    const Bytes expected = slice(bytes, cases[i].begin, cases[i].length);
    EXPECT_EQ(describe_difference(expected, std::span(buffers[i]).first(*entries[i].got)), "equal");
    EXPECT_TRUE(std::ranges::all_of(std::span(buffers[i]).subspan(*entries[i].got), [](std::byte byte) {
      return byte == std::byte{0xAA};
    })) << "written past what was read";
    EXPECT_EQ(entries[i].object_size, bytes.size());
    EXPECT_EQ(entries[i].version, version);
  }
}

TEST_P(Conformance, Queue_entry_without_a_buffer_is_a_stat) {
  const std::string version = value_of(put("object", "0123456789")).version;
  value_of(put("empty", ""));
  value_of(put("folder/object", "text"));
  std::vector<RangeRead> entries = {stat_of("object"), stat_of("empty"), stat_of("missing"), stat_of("folder")};
  ASSERT_THAT(store().read(ctx(), entries), Succeeds());
  EXPECT_THAT(entries[0].got, Gives(0U));
  EXPECT_EQ(entries[0].object_size, 10U);
  EXPECT_EQ(entries[0].version, version);
  EXPECT_THAT(entries[1].got, Gives(0U));
  EXPECT_EQ(entries[1].object_size, 0U);
  EXPECT_THAT(entries[2].got, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(entries[3].got,
              FailsWith(can().object_beside_folder ? ErrorCode::kNotFound : ErrorCode::kNotRegularFile));
}

TEST_P(Conformance, Queue_of_ten_thousand_with_some_missing) {
  constexpr std::size_t kEntries = 10'000;
  constexpr std::size_t kObjects = 50;
  const Bytes bytes = pattern_bytes(2, 200'000);
  std::vector<std::string> objects;
  for (std::size_t i = 0; i < kObjects; ++i) {
    objects.push_back("cache/s-t01000-" + std::to_string(i) + "/p_aux");
    if (i % 10 != 3) value_of(put_bytes(store(), ctx(), objects.back(), bytes));
  }
  Bytes buffer(kEntries * 32);
  std::vector<RangeRead> entries;
  for (std::size_t i = 0; i < kEntries; ++i) {
    const std::int64_t offset = static_cast<std::int64_t>(i * 7919 % 199'968);
    entries.push_back(range(objects[i % kObjects], offset, std::span(buffer).subspan(i * 32, 32)));
  }
  ASSERT_THAT(store().read(ctx(), entries), Succeeds());
  for (std::size_t i = 0; i < kEntries; ++i) {
    SCOPED_TRACE(i);
    if (i % kObjects % 10 == 3) {
      ASSERT_THAT(entries[i].got, FailsWith(ErrorCode::kNotFound));
    } else {
      ASSERT_THAT(entries[i].got, Gives(32U));
      ASSERT_EQ(slice(bytes, static_cast<std::size_t>(entries[i].offset), 32), slice(buffer, i * 32, 32));
    }
  }
}

TEST_P(Conformance, Queue_hands_back_every_entry_once) {
  value_of(put("object", "0123456789"));
  Bytes buffer(1000);
  std::vector<RangeRead> entries;
  for (std::size_t i = 0; i < 1000; ++i) {
    entries.push_back(range(i % 3 == 0 ? "missing" : "object", 0, std::span(buffer).subspan(i, 1)));
  }
  const auto queue = store().read_queue();
  ASSERT_THAT(queue->submit(std::span(entries).first(500)), Succeeds());
  ASSERT_THAT(queue->submit(std::span(entries).subspan(500)), Succeeds());
  std::set<const RangeRead*> seen;
  std::array<RangeRead*, 7> done{};
  while (true) {
    const auto count = queue->wait(ctx(), done);
    ASSERT_THAT(count, Succeeds());
    if (*count == 0) break;
    ASSERT_LE(*count, done.size());
    for (const RangeRead* entry : std::span(done).first(*count)) {
      EXPECT_TRUE(seen.insert(entry).second) << "handed back twice";
      EXPECT_GE(entry, entries.data());
      EXPECT_LT(entry, entries.data() + entries.size());
    }
  }
  EXPECT_EQ(seen.size(), entries.size());
}

TEST_P(Conformance, Wait_with_nothing_under_way_gives_nothing) {
  const auto queue = store().read_queue();
  std::array<RangeRead*, 4> done{};
  EXPECT_THAT(queue->wait(ctx(), done), Gives(0U));
  EXPECT_THAT(queue->submit({}), Succeeds());
  EXPECT_THAT(queue->wait(ctx(), done), Gives(0U));
  EXPECT_THAT(store().read(ctx(), {}), Succeeds());
}

TEST_P(Conformance, Queue_may_be_used_again_after_it_was_emptied_and_after_cancel) {
  value_of(put("object", "0123456789"));
  const auto queue = store().read_queue();
  for (int round = 0; round < 3; ++round) {
    Bytes buffer(4);
    RangeRead entry = range("object", 3, buffer);
    ASSERT_THAT(queue->submit({&entry, 1}), Succeeds());
    std::array<RangeRead*, 4> done{};
    ASSERT_THAT(queue->wait(ctx(), done), Gives(1U));
    EXPECT_EQ(done[0], &entry);
    EXPECT_THAT(entry.got, Gives(4U));
    EXPECT_EQ(to_text(buffer), "3456");
    queue->cancel();
  }
}

TEST_P(Conformance, Another_version_is_changed) {
  const std::string old = value_of(put("object", "old")).version;
  Bytes buffer(3);
  RangeRead entry = range("object", 0, buffer);
  entry.if_version = old;
  EXPECT_THAT(store().read(ctx(), {&entry, 1}), Succeeds());
  EXPECT_THAT(entry.got, Gives(3U));

  const std::string current = value_of(put("object", "new")).version;
  RangeRead stale = range("object", 0, buffer);
  stale.if_version = old;
  RangeRead stale_stat = stat_of("object");
  stale_stat.if_version = old;
  RangeRead fresh = range("object", 0, buffer);
  fresh.if_version = current;
  for (RangeRead* one : {&stale, &stale_stat, &fresh}) EXPECT_THAT(store().read(ctx(), {one, 1}), Succeeds());
  EXPECT_THAT(stale.got, FailsWith(ErrorCode::kChanged));
  EXPECT_THAT(stale_stat.got, FailsWith(ErrorCode::kChanged));
  EXPECT_THAT(fresh.got, Gives(3U));
  EXPECT_EQ(to_text(buffer), "new");
}

TEST_P(Conformance, Bad_entries_do_not_fail_their_neighbours) {
  value_of(put("object", "0123456789"));
  Bytes buffer(4);
  std::vector<RangeRead> entries = {range("../outside", 0, buffer), range("object", 2, buffer),
                                    range("missing", 0, buffer), range("", 0, buffer)};
  std::vector<Bytes> buffers(entries.size(), Bytes(4));
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].into = buffers[i];
  ASSERT_THAT(store().read(ctx(), entries), Succeeds());
  EXPECT_THAT(entries[0].got, FailsWith(ErrorCode::kInvalidPath));
  EXPECT_THAT(entries[1].got, Gives(4U));
  EXPECT_EQ(to_text(buffers[1]), "2345");
  EXPECT_THAT(entries[2].got, FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(entries[3].got, FailsWith(ErrorCode::kInvalidPath));
}

TEST_P(Conformance, Cancelled_queue_hands_nothing_back_and_leaves_the_memory_alone) {
  const Bytes bytes = pattern_bytes(3, 1'000'000);
  value_of(put_bytes(store(), ctx(), "object", bytes));
  for (int round = 0; round < 20; ++round) {
    Bytes buffer(bytes.size());
    std::vector<RangeRead> entries;
    for (std::size_t at = 0; at < bytes.size(); at += 1000) {
      entries.push_back(range("object", static_cast<std::int64_t>(at), std::span(buffer).subspan(at, 1000)));
    }
    const auto queue = store().read_queue();
    ASSERT_THAT(queue->submit(entries), Succeeds());
    queue->cancel();
    // From here on the memory is ours again; whatever wrote into it now would be seen by tsan and asan.
    std::ranges::fill(buffer, std::byte{0x55});
    entries.clear();
    std::array<RangeRead*, 4> done{};
    EXPECT_THAT(queue->wait(ctx(), done), Gives(0U));
    EXPECT_TRUE(std::ranges::all_of(buffer, [](std::byte byte) { return byte == std::byte{0x55}; }));
  }
}

TEST_P(Conformance, Queue_may_be_used_from_many_threads) {
  const Bytes bytes = pattern_bytes(4, 100'000);
  value_of(put_bytes(store(), ctx(), "object", bytes));
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 500;
  Bytes buffer(kThreads * kEach * 16);
  std::vector<RangeRead> entries;
  for (std::size_t i = 0; i < kThreads * kEach; ++i) {
    entries.push_back(range("object", static_cast<std::int64_t>(i * 13), std::span(buffer).subspan(i * 16, 16)));
  }
  const auto queue = store().read_queue();
  std::atomic<std::size_t> handed_back = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        if (!queue->submit(std::span(entries).subspan(thread * kEach, kEach))) return;
        std::array<RangeRead*, 16> done{};
        while (true) {
          const auto count = queue->wait(ctx(), done);
          if (!count || *count == 0) return;
          handed_back += *count;
        }
      });
    }
  }
  EXPECT_EQ(handed_back, entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ASSERT_THAT(entries[i].got, Gives(16U));
    ASSERT_EQ(slice(bytes, i * 13, 16), slice(buffer, i * 16, 16));
  }
}

TEST_P(Conformance, Queue_outlives_the_stores_handle) {
  value_of(put("object", "text"));
  const auto queue = store().read_queue();
  forget_store();
  RangeRead entry = stat_of("object");
  ASSERT_THAT(queue->submit({&entry, 1}), Succeeds());
  std::array<RangeRead*, 1> done{};
  EXPECT_THAT(queue->wait(ctx(), done), Gives(1U));
  EXPECT_EQ(entry.object_size, 4U);
}

}  // namespace
}  // namespace scabbard
