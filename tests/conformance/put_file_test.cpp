// Objects from files and from other stores.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "conformance/store_test.hpp"
#include "support/byte_patterns.hpp"
#include "support/child_process.hpp"
#include "support/source_file.hpp"

namespace scabbard {
namespace {

using ::testing::AnyOf;
using ::testing::IsEmpty;

TEST_P(Conformance, File_becomes_an_object) {
  const Bytes bytes = pattern_bytes(1, 5'000'003);
  const SourceFile source(bytes);
  const auto written = store().put_file(ctx(), "folder/object", source.whole());
  ASSERT_THAT(written, Succeeds());
  EXPECT_EQ(written->size, bytes.size());
  EXPECT_EQ(written->version, value_of(store().stat(ctx(), "folder/object")).version);
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(store(), ctx(), "folder/object"))), "equal");
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Ranges_of_a_file_become_objects) {
  const Bytes bytes = pattern_bytes(2, 300'000);
  const SourceFile source(bytes);
  struct Case {
    std::uint64_t offset;
    std::uint64_t length;
  };
  // Aligned to blocks, as reflinks need it, and not.
  for (const auto& [offset, length] : {Case{0, 0}, Case{0, 1}, Case{0, 4096}, Case{4096, 8192}, Case{1, 299'999},
                                       Case{299'999, 1}, Case{300'000, 0}, Case{4096, 295'904}, Case{8192, 100}}) {
    SCOPED_TRACE(std::to_string(length) + " bytes at " + std::to_string(offset));
    ASSERT_THAT(store().put_file(ctx(), "object", source.range(offset, length)), Succeeds());
    EXPECT_EQ(describe_difference(slice(bytes, offset, length), value_of(get_bytes(store(), ctx(), "object"))),
              "equal");
  }
}

TEST_P(Conformance, Position_of_the_source_stays) {
  const SourceFile source(pattern_bytes(3, 100'000));
  ASSERT_EQ(::lseek(source.descriptor(), 777, SEEK_SET), 777);
  ASSERT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  EXPECT_EQ(::lseek(source.descriptor(), 0, SEEK_CUR), 777);
}

TEST_P(Conformance, Source_that_was_removed_is_still_a_file) {
  const Bytes bytes = pattern_bytes(4, 100'000);
  const SourceFile source(bytes);
  ASSERT_EQ(::unlink(source.path().c_str()), 0);
  ASSERT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  EXPECT_THAT(get_bytes(store(), ctx(), "object"), Gives(bytes));
}

TEST_P(Conformance, Source_that_is_open_for_reading_only) {
  const Bytes bytes = pattern_bytes(4, 100'000);
  const SourceFile source(bytes);
  const int descriptor = ::open(source.path().c_str(), O_RDONLY | O_CLOEXEC);
  const auto written =
      store().put_file(ctx(), "object", {.descriptor = descriptor, .offset = 0, .length = bytes.size()});
  ::close(descriptor);
  ASSERT_THAT(written, Succeeds());
  EXPECT_THAT(get_bytes(store(), ctx(), "object"), Gives(bytes));
}

// An open descriptor is a right to read, whatever the file's mode says by now.
TEST_P(Conformance, Source_that_could_not_be_opened_again) {
  if (is_root()) {
    const ChildEnd child = run_current_test_as_nobody();
    EXPECT_EQ(child.exit_code, 0) << child.output;
    return;
  }
  const Bytes bytes = pattern_bytes(4, 100'000);
  const SourceFile source(bytes);
  ASSERT_EQ(::chmod(source.path().c_str(), 0), 0);
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  EXPECT_THAT(get_bytes(store(), ctx(), "object"), Gives(bytes));
}

TEST_P(Conformance, Source_shorter_than_said_is_an_error_and_leaves_the_old_object) {
  value_of(put("object", "old"));
  const SourceFile source(pattern_bytes(5, 1000));
  for (const FileSource& range : {source.range(0, 1001), source.range(1000, 1), source.range(5000, 10),
                                  source.range(UINT64_MAX, 1), source.range(1, UINT64_MAX)}) {
    EXPECT_THAT(store().put_file(ctx(), "object", range),
                AnyOf(FailsWith(ErrorCode::kChanged), FailsWith(ErrorCode::kInvalidArgument)));
  }
  EXPECT_THAT(get("object"), Gives("old"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Source_that_is_no_regular_file_is_an_invalid_argument) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const int folder = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::close(::dup(pipe[0])), 0);
  const int closed = ::dup(pipe[0]);
  ::close(closed);
  for (const int descriptor : {pipe[0], folder, null, -1, closed}) {
    SCOPED_TRACE(descriptor);
    EXPECT_THAT(store().put_file(ctx(), "object", {.descriptor = descriptor, .offset = 0, .length = 1}),
                FailsWith(ErrorCode::kInvalidArgument));
  }
  for (const int descriptor : {pipe[0], pipe[1], folder, null}) ::close(descriptor);
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Announced_length_that_is_not_the_sources_is_an_invalid_argument) {
  const SourceFile source(pattern_bytes(6, 1000));
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole(), {.exclusive = false, .length = 999}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole(), {.exclusive = false, .length = 1000}), Succeeds());
}

TEST_P(Conformance, Exclusive_put_of_a_file) {
  const SourceFile source(to_bytes("second"));
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole(), kExclusively), Succeeds());
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole(), kExclusively), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(get("object"), Gives("second"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Object_put_from_a_file_is_a_copy) {
  SourceFile source(to_bytes("before"));
  ASSERT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  source.write(0, to_bytes("AFTER!"));
  EXPECT_THAT(get("object"), Gives("before"));
}

TEST_P(Conformance, File_with_holes_has_zeros_there) {
  SourceFile source;
  const Bytes page = pattern_bytes(7, 4096);
  source.write(kMiB, page);      // a hole before it
  source.write(3 * kMiB, page);  // one between
  source.resize(5 * kMiB);       // one behind it
  Bytes expected(5 * kMiB);
  std::ranges::copy(page, expected.begin() + kMiB);
  std::ranges::copy(page, expected.begin() + 3 * kMiB);
  ASSERT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  EXPECT_EQ(describe_difference(expected, value_of(get_bytes(store(), ctx(), "object"))), "equal");
  // Ranges that begin or end inside of a hole or of data.
  for (const auto& [offset, length] : {std::pair{kMiB + 100, 3 * kMiB}, std::pair{kMiB / 2, kMiB},
                                       std::pair{4 * kMiB, kMiB}, std::pair{std::uint64_t{5}, kMiB}}) {
    ASSERT_THAT(store().put_file(ctx(), "range", source.range(offset, length)), Succeeds());
    EXPECT_EQ(describe_difference(slice(expected, offset, length), value_of(get_bytes(store(), ctx(), "range"))),
              "equal");
  }
}

TEST_P(Conformance, Five_sparse_gibibytes_take_neither_time_nor_space) {
#ifndef NDEBUG
  GTEST_SKIP() << "only in release builds";
#else
  if (!provider().keeps_holes) GTEST_SKIP() << "this provider writes every byte";
  constexpr std::uint64_t kSize = 5 * 1024 * kMiB;
  const Bytes end = pattern_bytes(8, 4096);
  SourceFile source;
  source.write(kSize - end.size(), end);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_THAT(store().put_file(ctx(), "sparse", source.whole()), Succeeds());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(value_of(store().stat(ctx(), "sparse")).size, kSize);
  EXPECT_LT(allocated_blocks(store().location("sparse")), 2048U) << "a mebibyte of blocks";
  // Offsets beyond 32 bits.
  Bytes last(end.size());
  Bytes middle(4096, std::byte{1});
  std::array<RangeRead, 2> ranges = {
      RangeRead{.object = "sparse", .offset = -4096, .into = last, .if_version = {}, .version = {}},
      RangeRead{
          .object = "sparse", .offset = (std::int64_t{1} << 32) + 5, .into = middle, .if_version = {}, .version = {}}};
  EXPECT_THAT(store().read(ctx(), ranges), Succeeds());
  EXPECT_THAT(ranges[0].got, Gives(last.size()));
  EXPECT_EQ(last, end);
  EXPECT_THAT(ranges[1].got, Gives(middle.size()));
  EXPECT_EQ(middle, Bytes(4096));
#endif
}

TEST_P(Conformance, Copy_of_an_object) {
  const Bytes bytes = pattern_bytes(9, 3'000'001);
  value_of(put_bytes(store(), ctx(), "original", bytes));
  const auto other = place().open();
  const auto copied = store().copy_from(ctx(), "folder/copy", *other, "original");
  if (!copied && copied.error().code == ErrorCode::kUnsupported) {
    EXPECT_THAT(names(), Gives(::testing::ElementsAre("original")));
    GTEST_SKIP() << "this store does not copy by itself";
  }
  ASSERT_THAT(copied, Succeeds());
  EXPECT_EQ(copied->size, bytes.size());
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(store(), ctx(), "folder/copy"))), "equal");
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(store(), ctx(), "original"))), "equal");
  EXPECT_THAT(store().copy_from(ctx(), "folder/copy", *other, "original", kExclusively),
              FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Many_copies_have_a_result_each) {
  constexpr int kCopies = 40;
  std::atomic<std::uint64_t> progress = 0;
  std::vector<ObjectCopy> copies;
  for (int i = 0; i < kCopies; ++i) {
    const std::string number = std::to_string(i);
    value_of(put("from/" + number, "text " + number));
    copies.push_back(
        {.source = "from/" + number, .object = "to/" + number, .options = {.length = {}, .progress = &progress}});
  }
  value_of(put("to/7", "old"));
  copies[7].options.exclusive = true;
  copies[8].source = "from/missing";
  copies[9].object = "../outside";
  store().copy_many_from(ctx(), store(), copies);
  if (!copies[0].result && copies[0].result.error().code == ErrorCode::kUnsupported) {
    GTEST_SKIP() << "this store does not copy by itself";
  }
  std::uint64_t copied = 0;
  for (int i = 0; i < kCopies; ++i) {
    if (i >= 7 && i <= 9) continue;
    const std::string text = "text " + std::to_string(i);
    EXPECT_THAT(copies[static_cast<std::size_t>(i)].result, Succeeds());
    EXPECT_THAT(get("to/" + std::to_string(i)), Gives(text));
    copied += text.size();
  }
  EXPECT_THAT(copies[7].result, FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(get("to/7"), Gives("old"));
  EXPECT_THAT(copies[8].result, FailsSaying(ErrorCode::kNotFound, "from/missing"));
  EXPECT_THAT(copies[9].result, FailsSaying(ErrorCode::kInvalidPath, "../outside"));
  EXPECT_THAT(get("to/8"), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(progress, copied);
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Copies_that_are_cancelled_leave_nothing) {
  std::vector<ObjectCopy> copies;
  for (int i = 0; i < 10; ++i) {
    value_of(put("from/" + std::to_string(i), "text"));
    copies.push_back({.source = "from/" + std::to_string(i), .object = "to/" + std::to_string(i)});
  }
  std::stop_source cancel;
  cancel.request_stop();
  store().copy_many_from(ctx().with_cancel(cancel.get_token()), store(), copies);
  for (const ObjectCopy& copy : copies) {
    EXPECT_FALSE(copy.result);
    EXPECT_THAT(get(copy.object), FailsWith(ErrorCode::kNotFound));
  }
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Copy_of_an_object_onto_itself_keeps_it) {
  value_of(put("object", "text"));
  const auto copied = store().copy_from(ctx(), "object", store(), "object");
  if (!copied) {
    EXPECT_THAT(copied, FailsWith(ErrorCode::kUnsupported));
  }
  EXPECT_THAT(get("object"), Gives("text"));
}

}  // namespace
}  // namespace scabbard
