// Leftovers of the dead are swept, what the living work on is not.
#include <atomic>
#include <thread>

#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_P(Conformance, Sweep_of_a_clean_store_removes_nothing) {
  value_of(put("folder/object", "text"));
  const auto swept = store().sweep(ctx());
  ASSERT_THAT(swept, Succeeds());
  EXPECT_EQ(swept->files, 0U);
  EXPECT_EQ(swept->bytes, 0U);
  EXPECT_THAT(get("folder/object"), Gives("text"));
}

TEST_P(Conformance, Sweep_removes_what_killed_writers_left) {
  value_of(put("sealed/finished", "text"));
  ASSERT_TRUE(abandon_writer(provider(), place(), "sealed/object"));
  ASSERT_TRUE(abandon_writer(provider(), place(), "cache/s-t01000-7/p_aux"));
  ASSERT_THAT(place().leftovers(), Not(IsEmpty())) << "there is nothing to sweep";
  EXPECT_THAT(names(), Gives(ElementsAre("sealed/finished")));
  EXPECT_THAT(store().stat(ctx(), "sealed/object"), FailsWith(ErrorCode::kNotFound));

  const auto swept = store().sweep(ctx());
  ASSERT_THAT(swept, Succeeds());
  EXPECT_EQ(swept->files, 2U);
  EXPECT_GE(swept->bytes, 2U * 1'000'000);
  EXPECT_THAT(place().leftovers(), IsEmpty());
  EXPECT_THAT(names(), Gives(ElementsAre("sealed/finished")));
  EXPECT_THAT(get("sealed/finished"), Gives("text"));
}

TEST_P(Conformance, Sweep_leaves_living_writers_alone) {
  const auto other = place().open();
  auto mine = value_of(store().create(ctx(), "folder/mine"));
  auto theirs = value_of(other->create(ctx(), "folder/theirs"));
  value_of(mine->write(ctx(), pattern_bytes(1, 2'000'000)));
  value_of(theirs->write(ctx(), pattern_bytes(2, 2'000'000)));
  for (Store* sweeper : {&store(), other.get()}) {
    const auto swept = sweeper->sweep(ctx());
    ASSERT_THAT(swept, Succeeds());
    EXPECT_EQ(swept->files, 0U);
  }
  EXPECT_THAT(mine->finish(ctx()), Succeeds());
  EXPECT_THAT(theirs->finish(ctx()), Succeeds());
  EXPECT_THAT(get_bytes(store(), ctx(), "folder/mine"), Gives(pattern_bytes(1, 2'000'000)));
}

TEST_P(Conformance, Sweeps_during_writes_do_no_harm) {
  const auto other = place().open();
  std::atomic<int> sweeps = 0;
  std::atomic<int> failures = 0;
  std::jthread sweeper([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      if (!other->sweep(ctx())) ++failures;
      ++sweeps;
    }
  });
  for (int i = 0; i < 200 || sweeps < 20; ++i) {
    const std::string object = "folder" + std::to_string(i % 10) + "/" + std::to_string(i % 40);
    ASSERT_THAT(put(object, std::to_string(i)), Succeeds());
    ASSERT_THAT(get(object), Gives(std::to_string(i)));
  }
  sweeper.request_stop();
  sweeper.join();
  EXPECT_EQ(failures, 0);
}

TEST_P(Conformance, Read_only_store_sweeps_nothing) {
  ASSERT_TRUE(abandon_writer(provider(), place(), "object"));
  const auto before = place().leftovers();
  const auto swept = place().open({.read_only = true})->sweep(ctx());
  if (!swept) {
    EXPECT_THAT(swept, FailsWith(ErrorCode::kReadOnly));
  }
  EXPECT_EQ(place().leftovers(), before);
}

}  // namespace
}  // namespace scabbard
