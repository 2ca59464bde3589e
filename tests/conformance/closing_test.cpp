// close() ends what is under way and refuses what comes later.
#include <array>
#include <atomic>
#include <future>
#include <optional>
#include <thread>

#include "base/buffer_pool.hpp"
#include "conformance/store_test.hpp"
#include "support/child_process.hpp"
#include "support/source_file.hpp"

namespace scabbard {
namespace {

using ::testing::IsEmpty;

TEST_P(Conformance, Closed_store_refuses_every_call) {
  value_of(put("object", "text"));
  store().close();
  const SourceFile source(to_bytes("text"));
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(store().open(ctx(), "object"), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(store().create(ctx(), "object"), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole()), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(store().remove(ctx(), "object"), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(list_names(store(), ctx()), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(store().space(ctx()), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(store().sweep(ctx()), FailsWith(ErrorCode::kClosed));
  RangeRead entry{.object = "object", .into = {}, .if_version = {}, .version = {}};
  EXPECT_THAT(store().read_queue()->submit({&entry, 1}), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(store().read(ctx(), {&entry, 1}), FailsWith(ErrorCode::kClosed));
  const auto other = place().open();
  EXPECT_THAT(other->copy_from(ctx(), "copy", store(), "object"),
              ::testing::AnyOf(FailsWith(ErrorCode::kClosed), FailsWith(ErrorCode::kUnsupported)));
  EXPECT_THAT(get_text(*other, ctx(), "object"), Gives("text")) << "another store on the place is open still";
}

TEST_P(Conformance, Close_may_be_called_again) {
  store().close();
  store().close();
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kClosed));
  EXPECT_EQ(store().scheme(), place().open()->scheme()) << "what needs no place still answers";
}

TEST_P(Conformance, Readers_writers_and_lists_of_a_closed_store_fail_and_leave_nothing) {
  value_of(put("object", "text"));
  const auto reader = value_of(store().open(ctx(), "object"));
  auto writer = value_of(store().create(ctx(), "new"));
  value_of(writer->write(ctx(), to_bytes("some")));
  auto unwritten = value_of(store().create(ctx(), "folder/new"));
  auto lister = value_of(store().list(ctx()));
  store().close();
  Bytes into(4);
  EXPECT_THAT(reader->read(ctx(), into), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(reader->read_at(ctx(), 0, into), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(writer->write(ctx(), to_bytes("more")), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(writer->finish(ctx()), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(lister->next(ctx()), FailsWith(ErrorCode::kClosed));
  writer.reset();
  unwritten.reset();
  EXPECT_THAT(list_names(*place().open(), ctx()), Gives(::testing::ElementsAre("object")));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Queue_of_a_store_that_closes_hands_everything_back) {
  value_of(put_bytes(store(), ctx(), "object", pattern_bytes(1, 1'000'000)));
  for (int round = 0; round < 10; ++round) {
    const auto own = place().open();
    Bytes buffer(5000 * 100);
    std::vector<RangeRead> entries;
    for (std::size_t i = 0; i < 5000; ++i) {
      entries.push_back({.object = "object",
                         .offset = static_cast<std::int64_t>(i * 100),
                         .into = std::span(buffer).subspan(i * 100, 100),
                         .if_version = {},
                         .version = {}});
    }
    const auto queue = own->read_queue();
    ASSERT_THAT(queue->submit(entries), Succeeds());
    std::jthread closer([&] { own->close(); });
    std::size_t handed_back = 0;
    std::array<RangeRead*, 100> done{};
    while (const auto count = value_of(queue->wait(ctx(), done))) {
      for (const RangeRead* entry : std::span(done).first(count)) {
        if (!entry->got) {
          ASSERT_THAT(entry->got, FailsWith(ErrorCode::kClosed));
        }
      }
      handed_back += count;
    }
    EXPECT_EQ(handed_back, entries.size());
  }
}

TEST_P(Conformance, Calls_that_the_place_holds_up_end_when_the_store_closes) {
  if (!provider().outlives_stalls) GTEST_SKIP() << "calls of this provider cannot be left behind";
  value_of(put("object", "text"));
  auto reader = value_of(store().open(ctx(), "object"));
  const auto queue = store().read_queue();
  ASSERT_TRUE(place().stall());
  auto stat = std::async(std::launch::async, [&] { return store().stat(ctx(), "object"); });
  auto create = std::async(std::launch::async, [&] { return store().create(ctx(), "new/object"); });
  auto read = std::async(std::launch::async, [&] {
    Bytes into(4);
    return reader->read(ctx(), into);
  });
  RangeRead entry{.object = "object", .into = {}, .if_version = {}, .version = {}};
  ASSERT_THAT(queue->submit({&entry, 1}), Succeeds());
  auto wait = std::async(std::launch::async, [&] {
    std::array<RangeRead*, 1> done{};
    return queue->wait(ctx(), done);
  });
  ASSERT_TRUE(place().wait_until_stalled(4));
  store().close();
  EXPECT_THAT(stat.get(), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(create.get(), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(read.get(), FailsWith(ErrorCode::kClosed));
  const auto waited = wait.get();
  if (waited) {
    EXPECT_THAT(entry.got, FailsWith(ErrorCode::kClosed));
  } else {
    EXPECT_THAT(waited, FailsWith(ErrorCode::kClosed));
  }
  place().release();
  reader.reset();
}

TEST_P(Conformance, Nothing_is_left_open_by_a_store_that_was_closed_and_forgotten) {
  // Once before counting: what the process opens for good it opens here.
  const auto use = [&] {
    const auto own = place().open();
    value_of(put_text(*own, ctx(), "folder/object", "text"));
    value_of(get_text(*own, ctx(), "folder/object"));
    RangeRead entry{.object = "folder/object", .into = {}, .if_version = {}, .version = {}};
    value_of(own->read(ctx(), {&entry, 1}));
    const SourceFile source(to_bytes("text"));
    value_of(own->put_file(ctx(), "file", source.whole()));
    value_of(own->create(ctx(), "given/up"));
    value_of(list_names(*own, ctx()));
    own->close();
  };
  use();
  const std::size_t before = open_descriptor_count();
  for (int i = 0; i < 20; ++i) use();
  EXPECT_EQ(open_descriptor_count(), before);
}

TEST_P(Conformance, Closing_ends_a_wait_for_memory) {
  value_of(put("object", "text"));
  BufferPool& pool = BufferPool::process();
  const auto bulk = value_of(pool.reserve(ctx(), BufferPool::Use::kBulk, pool.limit(BufferPool::Use::kBulk)));
  const auto small = value_of(pool.reserve(ctx(), BufferPool::Use::kSmall, pool.limit(BufferPool::Use::kSmall)));
  std::atomic<bool> begun = false;
  Result<std::unique_ptr<Writer>> result;
  std::jthread waiting([&] {
    begun = true;
    begun.notify_all();
    result = store().create(Context(), "new");
  });
  begun.wait(false);
  store().close();
  waiting.join();
  EXPECT_THAT(result, FailsWith(ErrorCode::kClosed));
}

}  // namespace
}  // namespace scabbard
