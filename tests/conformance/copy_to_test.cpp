// Objects into descriptors.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "conformance/store_test.hpp"
#include "support/source_file.hpp"

namespace scabbard {
namespace {

const Bytes& object_bytes() {
  static const Bytes bytes = pattern_bytes(1, 5'000'003);
  return bytes;
}

// Reads a descriptor to its end, on a thread of its own.
class Drain {
 public:
  explicit Drain(int descriptor)
      : thread_([this, descriptor] {
          Bytes into(1 << 16);
          for (ssize_t count = 0; (count = ::read(descriptor, into.data(), into.size())) > 0;) {
            bytes_.insert(bytes_.end(), into.begin(), into.begin() + count);
          }
        }) {}
  Bytes take() {
    thread_.join();
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
  std::jthread thread_;  // last: it uses bytes_
};

TEST_P(Conformance, Copy_to_a_file_begins_at_the_descriptors_position) {
  value_of(put_bytes(store(), ctx(), "object", object_bytes()));
  const auto reader = value_of(store().open(ctx(), "object"));
  const SourceFile target(to_bytes("before"));
  ASSERT_EQ(::lseek(target.descriptor(), 6, SEEK_SET), 6);
  std::atomic<std::uint64_t> progress = 1;
  EXPECT_THAT(reader->copy_to(ctx(), target.descriptor(), &progress), Gives(object_bytes().size()));
  EXPECT_EQ(progress, 1 + object_bytes().size());
  EXPECT_EQ(reader->position(), object_bytes().size());
  EXPECT_EQ(::lseek(target.descriptor(), 0, SEEK_CUR), static_cast<off_t>(6 + object_bytes().size()));
  Bytes written(target.size());
  ASSERT_EQ(::pread(target.descriptor(), written.data(), written.size(), 0), static_cast<ssize_t>(written.size()));
  EXPECT_EQ(to_text(std::span(written).first(6)), "before");
  EXPECT_EQ(describe_difference(object_bytes(), std::span(written).subspan(6)), "equal");
}

TEST_P(Conformance, Copy_goes_from_the_readers_position) {
  value_of(put_bytes(store(), ctx(), "object", object_bytes()));
  const auto reader = value_of(store().open(ctx(), "object"));
  const SourceFile target;
  reader->seek(4'000'000);
  EXPECT_THAT(reader->copy_to(ctx(), target.descriptor()), Gives(1'000'003U));
  Bytes written(target.size());
  ASSERT_EQ(::pread(target.descriptor(), written.data(), written.size(), 0), static_cast<ssize_t>(written.size()));
  EXPECT_EQ(describe_difference(slice(object_bytes(), 4'000'000, object_bytes().size()), written), "equal");
  EXPECT_THAT(reader->copy_to(ctx(), target.descriptor()), Gives(0U)) << "at the end";
  reader->seek(object_bytes().size() + 1);
  EXPECT_THAT(reader->copy_to(ctx(), target.descriptor()), Gives(0U)) << "past the end";
}

TEST_P(Conformance, Copy_appends_to_a_descriptor_that_appends) {
  value_of(put("object", "text"));
  const SourceFile target(to_bytes("before"));
  const int appending = ::open(target.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  EXPECT_THAT(value_of(store().open(ctx(), "object"))->copy_to(ctx(), appending), Gives(4U));
  ::close(appending);
  Bytes written(target.size());
  ASSERT_EQ(::pread(target.descriptor(), written.data(), written.size(), 0), static_cast<ssize_t>(written.size()));
  EXPECT_EQ(to_text(written), "beforetext");
}

TEST_P(Conformance, Copy_into_pipes_and_sockets_that_block_and_that_do_not) {
  value_of(put_bytes(store(), ctx(), "object", object_bytes()));
  for (const bool socket : {false, true}) {
    for (const int flags : {0, O_NONBLOCK}) {
      SCOPED_TRACE(std::string(socket ? "socket" : "pipe") + (flags != 0 ? " that does not block" : ""));
      std::array<int, 2> ends{};
      ASSERT_EQ(
          socket ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) : ::pipe2(ends.data(), O_CLOEXEC),
          0);
      ASSERT_EQ(::fcntl(ends[1], F_SETFL, flags), 0);
      Drain drain(ends[0]);
      std::atomic<std::uint64_t> progress = 0;
      const auto copied = value_of(store().open(ctx(), "object"))->copy_to(ctx(), ends[1], &progress);
      const int after = ::fcntl(ends[1], F_GETFL);
      ::close(ends[1]);
      EXPECT_THAT(copied, Gives(object_bytes().size()));
      EXPECT_EQ(progress, object_bytes().size());
      EXPECT_EQ(describe_difference(object_bytes(), drain.take()), "equal");
      ::close(ends[0]);
      EXPECT_EQ(after & O_NONBLOCK, flags) << "the descriptor is the caller's";
    }
  }
}

TEST_P(Conformance, Copy_into_a_pipe_whose_reader_has_gone_is_an_error) {
  value_of(put_bytes(store(), ctx(), "object", object_bytes()));
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  ::close(ends[0]);
  const auto reader = value_of(store().open(ctx(), "object"));
  EXPECT_THAT(reader->copy_to(ctx(), ends[1]), FailsWith(ErrorCode::kIo));
  ::close(ends[1]);
  EXPECT_THAT(read_rest(*reader, ctx()), Succeeds()) << "the object is not to blame";
}

TEST_P(Conformance, Copy_into_a_descriptor_that_cannot_be_written_is_an_error) {
  value_of(put("object", "text"));
  const SourceFile target;
  const int read_only = ::open(target.path().c_str(), O_RDONLY | O_CLOEXEC);
  const auto reader = value_of(store().open(ctx(), "object"));
  EXPECT_FALSE(reader->copy_to(ctx(), read_only));
  EXPECT_FALSE(reader->copy_to(ctx(), -1));
  EXPECT_EQ(reader->position(), 0U);
  ::close(read_only);
}

}  // namespace
}  // namespace scabbard
