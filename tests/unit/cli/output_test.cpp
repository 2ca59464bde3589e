#include "cli/output.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/result_matchers.hpp"

namespace scabbard::cli {
namespace {

class OutputTest : public ::testing::Test {
 protected:
  OutputTest() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~OutputTest() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  int descriptor() const { return ends_[1]; }
  // What has been written so far, without waiting for more.
  std::string written() const {
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string text(1 << 20, '\0');
    const ssize_t count = ::read(ends_[0], text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return text;
  }

  std::array<int, 2> ends_{};
};

TEST_F(OutputTest, Small_pieces_are_written_together) {
  Output output(descriptor());
  output.write("a");
  output.line("b");
  output.json({{"z", 1}, {"a", "\n"}});
  EXPECT_EQ(written(), "");
  EXPECT_THAT(output.flush(), Succeeds());
  EXPECT_EQ(written(), "ab\n{\"z\":1,\"a\":\"\\n\"}\n");
  EXPECT_THAT(output.flush(), Succeeds());
  EXPECT_EQ(written(), "");
}

TEST_F(OutputTest, Much_is_written_before_the_end) {
  Output output(descriptor());
  output.write(std::string(64 << 10, 'x'));
  EXPECT_EQ(written().size(), std::size_t{64} << 10);
}

TEST_F(OutputTest, Descriptor_that_does_not_wait_is_waited_for) {
  ::fcntl(descriptor(), F_SETFL, O_NONBLOCK);
  const std::string text(1 << 20, 'x');
  std::string received;
  std::jthread reader([&] {
    std::array<char, 4096> buffer{};
    while (received.size() < text.size()) {
      const ssize_t count = ::read(ends_[0], buffer.data(), buffer.size());
      if (count <= 0) return;
      received.append(buffer.data(), static_cast<std::size_t>(count));
    }
  });
  Output output(descriptor());
  output.write(text);
  EXPECT_THAT(output.flush(), Succeeds());
  reader.join();
  EXPECT_EQ(received, text);
}

TEST_F(OutputTest, Failure_is_kept_for_the_end) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  Output output(full);
  EXPECT_FALSE(output.failed());
  output.write(std::string(100'000, 'x'));
  EXPECT_TRUE(output.failed());
  EXPECT_THAT(output.flush(),
              FailsSaying(ErrorCode::kNoSpace, "write standard output: No space left on device (ENOSPC)"));
  ::close(full);
}

TEST_F(OutputTest, Name_stays_as_it_is_where_no_terminal_obeys_it) {
  const Output output(descriptor());
  EXPECT_EQ(output.shown("\x1b[31m\n"), "\x1b[31m\n");
}

TEST_F(OutputTest, Pipe_takes_no_colours) {
  EXPECT_FALSE(is_terminal(descriptor()));
  EXPECT_FALSE(takes_colours(descriptor()));
}

TEST(JsonLineTest, Is_one_line_whatever_is_in_it) {
  EXPECT_EQ(json_line({{"name", "a\nb\xff"}}), "{\"name\":\"a\\nb\\ufffd\"}");
}

}  // namespace
}  // namespace scabbard::cli
