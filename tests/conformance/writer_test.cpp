// Writers that do not come to their end leave nothing, and those that were told a length keep to it.
#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

using ::testing::IsEmpty;

TEST_P(Conformance, Writer_given_up_leaves_nothing) {
  for (const std::size_t size : {0, 1, 5'000'000}) {
    auto writer = value_of(store().create(ctx(), "folder/object"));
    value_of(writer->write(ctx(), pattern_bytes(1, size)));
    writer.reset();
    EXPECT_THAT(store().stat(ctx(), "folder/object"), FailsWith(ErrorCode::kNotFound));
    EXPECT_THAT(names(), Gives(IsEmpty()));
    EXPECT_THAT(place().leftovers(), IsEmpty());
  }
}

TEST_P(Conformance, Writer_given_up_leaves_the_old_object) {
  value_of(put("object", "old"));
  auto writer = value_of(store().create(ctx(), "object"));
  value_of(writer->write(ctx(), pattern_bytes(1, 100'000)));
  writer.reset();
  EXPECT_THAT(get("object"), Gives("old"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Fewer_bytes_than_announced_is_an_error_and_leaves_nothing) {
  auto writer = value_of(store().create(ctx(), "object", {.exclusive = false, .length = 100}));
  value_of(writer->write(ctx(), pattern_bytes(1, 99)));
  EXPECT_THAT(writer->finish(ctx()), FailsWith(ErrorCode::kInvalidArgument));
  writer.reset();
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, More_bytes_than_announced_is_an_error_and_leaves_the_old_object) {
  value_of(put("object", "old"));
  auto writer = value_of(store().create(ctx(), "object", {.exclusive = false, .length = 100}));
  const auto written = writer->write(ctx(), pattern_bytes(1, 101));
  if (written) {
    EXPECT_THAT(writer->finish(ctx()), FailsWith(ErrorCode::kInvalidArgument));
  } else {
    EXPECT_THAT(written, FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_FALSE(writer->finish(ctx())) << "a writer that has failed cannot finish";
  }
  writer.reset();
  EXPECT_THAT(get("object"), Gives("old"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Announced_length_is_fine_when_it_is_true) {
  EXPECT_THAT(put("object", "0123456789", {.exclusive = false, .length = 10}), Succeeds());
  EXPECT_THAT(put("empty", "", {.exclusive = false, .length = 0}), Succeeds());
  EXPECT_THAT(get("object"), Gives("0123456789"));
  EXPECT_THAT(get("empty"), Gives(""));
}

TEST_P(Conformance, Commit_of_more_than_the_buffer_is_an_error) {
  auto writer = value_of(store().create(ctx(), "object"));
  const auto buffer = value_of(writer->acquire(ctx()));
  EXPECT_THAT(writer->commit(ctx(), buffer.size() + 1), FailsWith(ErrorCode::kInvalidArgument));
  writer.reset();
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Finished_writer_takes_no_more) {
  auto writer = value_of(store().create(ctx(), "object"));
  value_of(writer->write(ctx(), to_bytes("text")));
  value_of(writer->finish(ctx()));
  EXPECT_FALSE(writer->acquire(ctx()));
  EXPECT_FALSE(writer->finish(ctx()));
  writer.reset();
  EXPECT_THAT(get("object"), Gives("text")) << "destroying a finished writer leaves its object";
}

TEST_P(Conformance, Many_writers_at_once) {
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < 40; ++i) {
    writers.push_back(value_of(store().create(ctx(), "folder/" + std::to_string(i))));
    value_of(writers.back()->write(ctx(), to_bytes(std::to_string(i))));
  }
  for (const auto& writer : writers) EXPECT_THAT(writer->finish(ctx()), Succeeds());
  writers.clear();
  for (int i = 0; i < 40; ++i) EXPECT_THAT(get("folder/" + std::to_string(i)), Gives(std::to_string(i)));
}

TEST_P(Conformance, Writer_outlives_the_stores_handle) {
  auto writer = value_of(store().create(ctx(), "object"));
  forget_store();
  value_of(writer->write(ctx(), to_bytes("text")));
  EXPECT_THAT(writer->finish(ctx()), Succeeds());
  EXPECT_THAT(get_text(*place().open(), ctx(), "object"), Gives("text"));
}

}  // namespace
}  // namespace scabbard
