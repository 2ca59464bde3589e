// Objects are replaced whole: whoever reads has one content or the other, whoever writes at the same time
// leaves one of them.
#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>

#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kSize = 3'000'000;

TEST_P(Conformance, Replaced_object_has_the_new_content_and_another_version) {
  const auto first = value_of(put("object", "first"));
  const auto second = value_of(put("object", "2nd"));
  EXPECT_THAT(get("object"), Gives("2nd"));
  EXPECT_NE(first.version, second.version);
  EXPECT_EQ(value_of(store().stat(ctx(), "object")).version, second.version);
}

TEST_P(Conformance, Every_replacement_has_a_version_of_its_own) {
  // Quickly, and of one size: what distinguishes them must be neither the time nor the size alone.
  constexpr std::size_t kReplacements = 300;
  std::set<std::string> versions;
  for (std::size_t i = 0; i < kReplacements; ++i) {
    versions.insert(value_of(put("object", std::to_string(1000 + i))).version);
  }
  EXPECT_EQ(versions.size(), kReplacements);
}

TEST_P(Conformance, Nothing_is_visible_before_finish) {
  auto writer = value_of(store().create(ctx(), "folder/object"));
  value_of(writer->write(ctx(), pattern_bytes(1, kSize)));
  EXPECT_THAT(store().stat(ctx(), "folder/object"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(names(), Gives(IsEmpty()));
  value_of(writer->finish(ctx()));
  EXPECT_EQ(value_of(store().stat(ctx(), "folder/object")).size, kSize);
}

TEST_P(Conformance, Old_content_is_visible_until_finish) {
  value_of(put("object", "old"));
  auto writer = value_of(store().create(ctx(), "object"));
  value_of(writer->write(ctx(), pattern_bytes(1, kSize)));
  EXPECT_THAT(get("object"), Gives("old"));
  EXPECT_THAT(names(), Gives(ElementsAre("object")));
  value_of(writer->finish(ctx()));
  EXPECT_EQ(value_of(store().stat(ctx(), "object")).size, kSize);
}

TEST_P(Conformance, Reader_of_a_replaced_object_reads_the_old_content_or_says_that_it_changed) {
  const Bytes old = pattern_bytes(1, kSize);
  value_of(put_bytes(store(), ctx(), "object", old));
  const auto reader = value_of(store().open(ctx(), "object"));
  Bytes begin(1000);
  value_of(reader->read(ctx(), begin));
  value_of(put_bytes(store(), ctx(), "object", pattern_bytes(2, kSize)));
  const auto rest = read_rest(*reader, ctx());
  if (!rest) {
    EXPECT_THAT(rest, FailsWith(ErrorCode::kChanged));
  } else {
    EXPECT_EQ(describe_difference(slice(old, begin.size(), kSize), *rest), "equal");
  }
}

TEST_P(Conformance, Reader_of_a_removed_object_reads_the_old_content_or_says_that_it_changed) {
  const Bytes old = pattern_bytes(1, kSize);
  value_of(put_bytes(store(), ctx(), "object", old));
  const auto reader = value_of(store().open(ctx(), "object"));
  value_of(store().remove(ctx(), "object"));
  const auto rest = read_rest(*reader, ctx());
  if (!rest) {
    EXPECT_THAT(rest, AnyOf(FailsWith(ErrorCode::kChanged), FailsWith(ErrorCode::kNotFound)));
  } else {
    EXPECT_EQ(describe_difference(old, *rest), "equal");
  }
}

TEST_P(Conformance, Readers_during_replacements_never_see_a_mixture) {
  const std::vector<Bytes> contents = {pattern_bytes(1, kSize), pattern_bytes(2, kSize / 2), pattern_bytes(3, kSize)};
  value_of(put_bytes(store(), ctx(), "object", contents[0]));
  std::atomic<bool> over = false;
  std::atomic<int> mixtures = 0;
  std::atomic<int> reads = 0;
  std::latch reading(3);
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        reading.count_down();
        do {
          const auto bytes = get_bytes(store(), ctx(), "object");
          const bool whole = bytes && std::ranges::find(contents, *bytes) != contents.end();
          const bool changed = !bytes && bytes.error().code == ErrorCode::kChanged;
          if (!whole && !changed) ++mixtures;
          ++reads;
        } while (!over);
      });
    }
    reading.wait();
    for (std::size_t i = 0; i < 20; ++i) {
      EXPECT_THAT(put_bytes(store(), ctx(), "object", contents[i % contents.size()]), Succeeds());
    }
    over = true;
  }
  EXPECT_EQ(mixtures, 0);
  EXPECT_GE(reads, 3);
}

TEST_P(Conformance, Concurrent_writers_of_one_name_leave_one_content_whole_and_nothing_else) {
  constexpr std::size_t kWriters = 8;
  const auto other = place().open();
  std::latch together(kWriters);
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> writers;
    for (std::size_t i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        Store& mine = i % 2 == 0 ? store() : *other;
        auto writer = mine.create(ctx(), "folder/object");
        const bool written = writer && (*writer)->write(ctx(), pattern_bytes(i, 300'000 + i));
        together.arrive_and_wait();
        if (!written || !(*writer)->finish(ctx())) ++failures;
      });
    }
  }
  EXPECT_EQ(failures, 0);
  const Bytes left = value_of(get_bytes(store(), ctx(), "folder/object"));
  ASSERT_GE(left.size(), 300'000U);
  EXPECT_EQ(describe_difference(pattern_bytes(left.size() - 300'000, left.size()), left), "equal");
  EXPECT_THAT(names(), Gives(ElementsAre("folder/object")));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Exclusive_create_of_a_new_object_succeeds) {
  EXPECT_THAT(put("folder/object", "text", kExclusively), Succeeds());
  EXPECT_THAT(get("folder/object"), Gives("text"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Second_exclusive_create_loses) {
  value_of(put("object", "first", kExclusively));
  EXPECT_THAT(put("object", "second", kExclusively), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(get("object"), Gives("first"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Object_that_appears_before_finish_wins_over_an_exclusive_create) {
  auto writer = value_of(store().create(ctx(), "object", kExclusively));
  value_of(writer->write(ctx(), to_bytes("late")));
  value_of(put("object", "early"));
  EXPECT_THAT(writer->finish(ctx()), FailsWith(ErrorCode::kAlreadyExists));
  writer.reset();
  EXPECT_THAT(get("object"), Gives("early"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, One_of_many_exclusive_creates_at_once_wins) {
  if (provider().server_races) GTEST_SKIP() << "this server looks and writes without holding others off";
  constexpr std::size_t kWriters = 8;
  const auto other = place().open();
  std::latch together(kWriters);
  std::atomic<int> winners = 0;
  std::atomic<int> losers = 0;
  std::atomic<std::size_t> winner = kWriters;
  {
    std::vector<std::jthread> writers;
    for (std::size_t i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        Store& mine = i % 2 == 0 ? store() : *other;
        auto writer = mine.create(ctx(), "object", kExclusively);
        const bool written = writer && (*writer)->write(ctx(), pattern_bytes(i, 10'000));
        together.arrive_and_wait();
        const auto finished = written ? (*writer)->finish(ctx()) : fail(ErrorCode::kInternal, "not written");
        if (finished) {
          ++winners;
          winner = i;
        } else if (finished.error().code == ErrorCode::kAlreadyExists) {
          ++losers;
        }
      });
    }
  }
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(losers, static_cast<int>(kWriters) - 1);
  EXPECT_EQ(value_of(get_bytes(store(), ctx(), "object")), pattern_bytes(winner, 10'000));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

}  // namespace
}  // namespace scabbard
