#include "extproc/line_server.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>
#include <set>
#include <stop_token>
#include <utility>

#include "support/result_matchers.hpp"

namespace scabbard::extproc {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw UnexpectedFailure("no pipe");
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_reader() { close(ends_[0]); }
  void close_writer() { close(ends_[1]); }

  // False where nobody reads.
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::write(ends_[1], bytes.data(), bytes.size());
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  static void close(int& end) {
    if (const int descriptor = std::exchange(end, -1); descriptor >= 0) ::close(descriptor);
  }

  std::array<int, 2> ends_ = {-1, -1};
};

// A server on a thread, and the parent's ends of its pipes.
class Parent {
 public:
  explicit Parent(Handler handler, LineServerOptions options = {}) {
    if (options.stage.empty()) options.stage = "echo";
    options.input = requests_.reader();
    options.output = answers_.writer();
    served_ = std::async(std::launch::async, [this, options, handler = std::move(handler)] {
      Error why = serve_lines(Context().with_cancel(cancel_.get_token()), options, handler);
      answers_.close_writer();
      return why;
    });
  }
  ~Parent() {
    cancel();
    answers_.close_reader();
  }
  Parent(const Parent&) = delete;
  Parent& operator=(const Parent&) = delete;

  void send(std::string_view bytes) const { EXPECT_TRUE(requests_.write(bytes)); }
  void send(std::uint64_t id, const json& task) const { send(json({{"id", id}, {"task", task}}).dump() + "\n"); }
  void close_requests() { requests_.close_writer(); }
  void close_answers() { answers_.close_reader(); }
  void cancel() { cancel_.request_stop(); }

  // The next line; empty at the end of the output.
  std::string line() {
    while (true) {
      if (auto end = read_.find('\n'); end != std::string::npos) {
        std::string line = read_.substr(0, end);
        read_.erase(0, end + 1);
        return line;
      }
      std::array<char, 65536> buffer{};
      const ssize_t count = ::read(answers_.reader(), buffer.data(), buffer.size());
      if (count <= 0) return "";
      read_.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
  json answer() { return json::parse(line()); }
  void expect_ready() { EXPECT_EQ(line(), "echo processor ready"); }

  Error why() { return served_.get(); }

 private:
  Pipe requests_;
  Pipe answers_;
  std::stop_source cancel_;
  std::string read_;
  std::future<Error> served_;
};

Result<json> echo(const Context&, const json& task) { return task; }

// Tasks that wait until they are let go, or their context ends.
class Gate {
 public:
  Handler handler() {
    return [this](const Context& ctx, const json& task) -> Result<json> {
      std::unique_lock lock(mutex_);
      most_ = std::max(most_, ++waiting_);
      changed_.notify_all();
      const auto ended = ctx.wait(lock, changed_, [this] { return is_open_; });
      --waiting_;
      if (ended) return fail(*ended, "wait: " + std::string(to_string(*ended)));
      return task;
    };
  }
  // How many have waited at the same time.
  int most() {
    std::lock_guard lock(mutex_);
    return most_;
  }
  void wait_for(int tasks) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= tasks; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int waiting_ = 0;
  int most_ = 0;
  bool is_open_ = false;
};

json failure(std::uint64_t id, const std::string& message) {
  return {{"id", id}, {"err_msg", message}, {"output", nullptr}};
}
json success(std::uint64_t id, const json& output) { return {{"id", id}, {"err_msg", nullptr}, {"output", output}}; }

TEST(LineServerTest, Says_that_it_is_ready_and_answers) {
  Parent parent(echo);
  parent.expect_ready();
  parent.send(7, "a");
  EXPECT_EQ(parent.answer(), success(7, "a"));
}

TEST(LineServerTest, An_error_is_told) {
  Parent parent([](const Context&, const json&) -> Result<json> { return fail(ErrorCode::kNoSpace, "disk full"); });
  parent.expect_ready();
  parent.send(7, "a");
  EXPECT_EQ(parent.answer(), failure(7, "disk full"));
}

TEST(LineServerTest, A_task_without_output_is_an_error) {
  Parent parent(echo);
  parent.expect_ready();
  parent.send(7, nullptr);
  EXPECT_EQ(parent.answer(), failure(7, "the task was done without an output"));
}

TEST(LineServerTest, A_handler_that_throws_fails_its_task_only) {
  Parent parent([](const Context&, const json& task) -> Result<json> {
    if (task == 1) throw std::runtime_error("thrown");
    if (task == 2) throw 2;
    return task;
  });
  parent.expect_ready();
  parent.send(1, 1);
  EXPECT_EQ(parent.answer(), failure(1, "thrown"));
  parent.send(2, 2);
  EXPECT_EQ(parent.answer(), failure(2, "unknown exception"));
  parent.send(3, 3);
  EXPECT_EQ(parent.answer(), success(3, 3));
}

TEST(LineServerTest, Tasks_are_done_at_once_and_answered_as_they_end) {
  auto first_goes_on = std::make_shared<std::latch>(1);
  Parent parent(
      [first_goes_on](const Context&, const json& task) -> Result<json> {
        if (task == 1) first_goes_on->wait();
        return task;
      },
      {.stage = "", .concurrency = 2});
  parent.expect_ready();
  parent.send(1, 1);
  parent.send(2, 2);
  EXPECT_EQ(parent.answer(), success(2, 2));
  first_goes_on->count_down();
  EXPECT_EQ(parent.answer(), success(1, 1));
}

TEST(LineServerTest, No_more_tasks_at_once_than_wanted) {
  Gate gate;
  Parent parent(gate.handler(), {.stage = "", .concurrency = 2});
  parent.expect_ready();
  for (std::uint64_t id = 1; id <= 20; ++id) parent.send(id, id);
  gate.wait_for(2);
  // The reader answers this line: all tasks before it may have begun.
  parent.send("{\"id\":21}\n");
  EXPECT_EQ(parent.answer()["id"], 21);
  gate.open();
  std::set<json> ids;
  for (int i = 0; i < 20; ++i) ids.insert(parent.answer()["id"]);
  EXPECT_EQ(ids.size(), 20);
  EXPECT_EQ(gate.most(), 2);
}

TEST(LineServerTest, The_input_is_read_while_all_are_busy) {
  Gate gate;
  Parent parent(gate.handler());
  parent.expect_ready();
  const std::string large(1 << 20, 'x');  // far more than the pipe holds
  for (std::uint64_t id = 0; id < 10; ++id) parent.send(id, large);
  gate.open();
  for (std::uint64_t id = 0; id < 10; ++id)
    EXPECT_EQ(parent.answer()["output"].get<std::string>().size(), large.size());
}

TEST(LineServerTest, The_input_is_read_while_nobody_reads_answers) {
  Parent parent(echo, {.stage = "", .concurrency = 2});
  const std::string large(1 << 20, 'x');
  for (std::uint64_t id = 0; id < 10; ++id) parent.send(id, large);
  parent.expect_ready();
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 10; ++i) ids.insert(parent.answer()["id"].get<std::uint64_t>());
  EXPECT_EQ(ids.size(), 10);
}

TEST(LineServerTest, Blank_lines_are_passed_over) {
  Parent parent(echo);
  parent.expect_ready();
  parent.send("\n \t \r\n");
  parent.send(1, 1);
  EXPECT_EQ(parent.answer(), success(1, 1));
}

TEST(LineServerTest, What_is_no_request_is_answered_where_it_shows_an_id) {
  Parent parent(echo);
  parent.expect_ready();
  parent.send("transfer!\n{\"task\":1}\n{\"id\":5,\"task\":\n{\"id\":6}\n");
  json answer = parent.answer();
  EXPECT_EQ(answer["id"], 5);
  EXPECT_EQ(answer["err_msg"], "read the request: it is no JSON, from byte 16 on");
  EXPECT_TRUE(answer["output"].is_null());
  EXPECT_EQ(parent.answer(), failure(6, "read the request: it has no task"));
}

TEST(LineServerTest, A_line_that_is_too_long_is_passed_over) {
  Parent parent(echo, {.stage = "", .longest_line = 1000});
  parent.expect_ready();
  parent.send("{\"id\":5,\"task\":\"" + std::string(1'000'000, 'x') + "\"}\n");
  EXPECT_EQ(parent.answer(), failure(5, "read the request: the line is too long"));
  parent.send("{\"task\":\"" + std::string(1'000'000, 'x') + "\"}\n");
  parent.send(6, 6);
  EXPECT_EQ(parent.answer(), success(6, 6));
}

TEST(LineServerTest, The_end_of_the_input_ends_what_is_under_way) {
  Gate gate;
  Parent parent(gate.handler());
  parent.expect_ready();
  parent.send(1, 1);
  parent.send(2, 2);
  gate.wait_for(1);
  parent.close_requests();
  EXPECT_EQ(parent.answer(), failure(1, "wait: cancelled"));
  EXPECT_EQ(parent.answer(), failure(2, "begin the task: cancelled"));
  EXPECT_EQ(parent.line(), "");
  EXPECT_EQ(parent.why().code, ErrorCode::kClosed);
}

TEST(LineServerTest, Half_a_line_is_no_request) {
  Parent parent(echo);
  parent.expect_ready();
  parent.send(R"({"id":1,"task":1})");
  parent.close_requests();
  EXPECT_EQ(parent.line(), "");
  EXPECT_EQ(parent.why().code, ErrorCode::kClosed);
}

TEST(LineServerTest, Its_context_ends_it) {
  Gate gate;
  Parent parent(gate.handler());
  parent.expect_ready();
  parent.send(1, 1);
  gate.wait_for(1);
  parent.cancel();
  EXPECT_EQ(parent.answer(), failure(1, "wait: cancelled"));
  EXPECT_EQ(parent.why().code, ErrorCode::kCancelled);
}

TEST(LineServerTest, Its_deadline_ends_it) {
  Pipe requests;
  Pipe answers;
  const Error why = serve_lines(Context().with_timeout(1ms),
                                {.stage = "echo", .input = requests.reader(), .output = answers.writer()}, echo);
  EXPECT_EQ(why.code, ErrorCode::kDeadlineExceeded);
}

TEST(LineServerTest, A_parent_that_reads_no_more_ends_it) {
  Gate gate;
  Parent parent(gate.handler());
  parent.expect_ready();
  parent.send(1, 1);
  gate.wait_for(1);
  parent.close_answers();  // nothing is being written
  EXPECT_EQ(parent.why().code, ErrorCode::kClosed);
}

TEST(LineServerTest, An_output_that_takes_nothing_ends_it) {
  Pipe requests;
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  const Error why = serve_lines({}, {.stage = "echo", .input = requests.reader(), .output = full}, echo);
  ::close(full);
  EXPECT_EQ(why.code, ErrorCode::kIo);
  EXPECT_THAT(why.message, HasSubstr("write answers"));
}

TEST(LineServerTest, A_task_that_does_not_end_is_left_behind) {
  auto release = std::make_shared<std::latch>(1);
  auto begun = std::make_shared<std::latch>(1);
  auto released = std::make_shared<std::latch>(1);
  Parent parent(
      [release, begun, released](const Context&, const json& task) -> Result<json> {
        begun->count_down();
        release->wait();
        released->count_down();
        return task;
      },
      {.stage = "", .patience = 1ms});
  parent.expect_ready();
  parent.send(1, 1);
  begun->wait();
  parent.close_requests();
  EXPECT_EQ(parent.why().code, ErrorCode::kClosed);
  release->count_down();
  released->wait();
}

TEST(LineServerTest, A_parent_that_reads_nothing_does_not_hold_up_the_end) {
  Pipe requests;
  Pipe answers;
  const std::string large(1 << 20, 'x');
  auto served = std::async(std::launch::async, [&] {
    return serve_lines({}, {.stage = "echo", .input = requests.reader(), .output = answers.writer(), .patience = 1ms},
                       [&](const Context&, const json&) -> Result<json> { return large; });
  });
  EXPECT_TRUE(requests.write("{\"id\":1,\"task\":1}\n"));
  std::string read(std::string_view("echo processor ready\n{").size(), ' ');
  for (char& c : read) EXPECT_EQ(::read(answers.reader(), &c, 1), 1);  // the answer has begun
  requests.close_writer();
  EXPECT_EQ(served.get().code, ErrorCode::kClosed);
  // The writer goes on by itself. Its descriptor must not be another's before it is done.
  while (!read.ends_with("\"}\n")) {
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(answers.reader(), buffer.data(), buffer.size());
    ASSERT_GT(count, 0);
    read.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace
}  // namespace scabbard::extproc
