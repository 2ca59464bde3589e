// The guard in virtual time, over calls that a test holds up.
#include "store/posix/guard.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "support/intercepting_file_calls.hpp"
#include "support/manual_clock.hpp"

namespace scabbard::posix {
namespace {

using namespace std::chrono_literals;

// A call that hangs until the test lets it go. What it waits for is its own: it may outlive the test.
class HungCall {
 public:
  std::function<long()> run(long result = 0) {
    return [began = began_, release = release_, result] {
      began->count_down();
      release->wait();
      return result;
    };
  }
  void wait_until_running() { began_->wait(); }
  void let_go() { release_->count_down(); }

 private:
  std::shared_ptr<std::latch> began_ = std::make_shared<std::latch>(1);
  std::shared_ptr<std::latch> release_ = std::make_shared<std::latch>(1);
};

class GuardTest : public ::testing::Test {
 protected:
  ~GuardTest() override { guard_->stop(); }

  long call(std::function<long()> run, const Context& ctx) {
    return guard_->call(ctx, {.run = std::move(run), .undo = {}, .descriptors = {}});
  }

  // Leaves `hung` behind, over the limit: from then on the filesystem is out.
  void put_out(HungCall& hung) {
    std::jthread caller([&] { EXPECT_EQ(call(hung.run(), ctx_), kOutError); });
    hung.wait_until_running();
    ASSERT_TRUE(clock_.wait_for_waiters(1));
    clock_.advance(10s);
  }

  ManualClock clock_;
  Context ctx_ = Context().with_clock(clock_);
  // The probe's path does not exist: its answer, an error, is an answer all the same.
  std::shared_ptr<Guard> guard_ = std::make_shared<Guard>(kernel_calls(), "/nowhere", 10s, clock_);
};

TEST_F(GuardTest, Answer_is_handed_over) {
  EXPECT_EQ(call([] { return 42L; }, ctx_), 42);
}

TEST_F(GuardTest, Call_that_is_not_answered_is_left_at_the_limit) {
  HungCall hung;
  put_out(hung);
  EXPECT_TRUE(guard_->out_since().has_value());
  hung.let_go();
}

TEST_F(GuardTest, Callers_deadline_comes_before_the_limit) {
  HungCall hung;
  std::jthread caller([&] { EXPECT_EQ(call(hung.run(), ctx_.with_timeout(2s)), kDeadlineError); });
  hung.wait_until_running();
  ASSERT_TRUE(clock_.wait_for_waiters(1));
  clock_.advance(2s);
  caller.join();
  EXPECT_FALSE(guard_->out_since().has_value());
  hung.let_go();
}

TEST_F(GuardTest, Cancelled_caller_leaves_at_once) {
  HungCall hung;
  std::stop_source cancel;
  std::jthread caller([&] { EXPECT_EQ(call(hung.run(), ctx_.with_cancel(cancel.get_token())), kCancelledError); });
  hung.wait_until_running();
  cancel.request_stop();
  caller.join();
  hung.let_go();
}

TEST_F(GuardTest, While_out_a_probe_that_is_answered_brings_it_back) {
  HungCall hung;
  put_out(hung);
  EXPECT_EQ(call([] { return 1L; }, ctx_), 1);
  hung.let_go();
}

TEST_F(GuardTest, One_call_that_hangs_does_not_put_the_others_out) {
  HungCall hung;
  std::jthread caller([&] { EXPECT_EQ(call(hung.run(), ctx_), kOutError); });
  hung.wait_until_running();
  ASSERT_TRUE(clock_.wait_for_waiters(1));
  clock_.advance(5s);
  EXPECT_EQ(call([] { return 1L; }, ctx_), 1);
  clock_.advance(5s);
  caller.join();
  EXPECT_FALSE(guard_->out_since().has_value());
  EXPECT_EQ(call([] { return 2L; }, ctx_), 2);
  hung.let_go();
}

TEST_F(GuardTest, What_a_call_left_behind_achieved_is_taken_back) {
  HungCall hung;
  std::latch undone(1);
  long taken_back = 0;
  auto undo = [&](long result) {
    taken_back = result;
    undone.count_down();
  };
  std::stop_source cancel;
  std::jthread caller([&] {
    guard_->call(ctx_.with_cancel(cancel.get_token()), {.run = hung.run(7), .undo = undo, .descriptors = {}});
  });
  hung.wait_until_running();
  cancel.request_stop();
  caller.join();
  hung.let_go();
  undone.wait();
  EXPECT_EQ(taken_back, 7);
}

// Notes which descriptor is closed instead of closing it.
class NotedClose final : public InterceptingFileCalls {
 public:
  NotedClose() : InterceptingFileCalls(kernel_calls()) {}
  std::atomic<int> closed = -1;

 protected:
  long around(const CallSite& site, const Make&) override {
    closed = site.descriptor;
    closed.notify_all();
    return 0;
  }
};

TEST_F(GuardTest, Descriptor_is_not_closed_while_a_call_left_behind_uses_it) {
  NotedClose calls;
  auto guard = std::make_shared<Guard>(calls, "/", 10s, clock_);
  HungCall hung;
  std::stop_source cancel;
  std::jthread caller(
      [&] { guard->call(ctx_.with_cancel(cancel.get_token()), {.run = hung.run(), .undo = {}, .descriptors = {5}}); });
  hung.wait_until_running();
  cancel.request_stop();
  caller.join();
  EXPECT_EQ(guard->close_descriptor(ctx_, 5), 0);
  EXPECT_EQ(calls.closed, -1);
  hung.let_go();
  calls.closed.wait(-1);
  EXPECT_EQ(calls.closed, 5);
  guard->stop();
}

TEST_F(GuardTest, Threads_are_bounded_and_callers_beyond_them_are_not_stuck) {
  constexpr int kForCalls = static_cast<int>(Guard::kMostThreads) - 4;  // the others are kept for probes
  auto release = std::make_shared<std::latch>(1);
  auto running = std::make_shared<std::atomic<int>>(0);
  auto hang = [release, running] {
    ++*running;
    running->notify_all();
    release->wait();
    return 0L;
  };
  std::vector<std::jthread> callers;
  for (int i = 0; i < 100; ++i) {
    callers.emplace_back([&] { EXPECT_EQ(call(hang, ctx_), kOutError); });
  }
  ASSERT_TRUE(clock_.wait_for_waiters(100));
  for (int now = *running; now < kForCalls; now = *running) running->wait(now);
  clock_.advance(10s);
  callers.clear();
  EXPECT_EQ(*running, kForCalls);

  // A probe is answered, so the filesystem is not out as a whole; but there is no thread to call it with.
  for (int i = 0; i < 2; ++i) {
    auto asked = std::async(std::launch::async, [&] { return call([] { return 0L; }, ctx_); });
    EXPECT_EQ(asked.wait_for(10s), std::future_status::ready) << "it waits for another limit";
    clock_.advance(11s);
    EXPECT_EQ(asked.get(), kOutError);
  }
  release->count_down();
}

TEST_F(GuardTest, Memory_that_is_exhausted_is_an_error) {
  EXPECT_EQ(call([]() -> long { throw std::bad_alloc(); }, ctx_), -ENOMEM);
}

TEST_F(GuardTest, Stop_ends_every_wait) {
  HungCall hung;
  std::jthread caller([&] { EXPECT_EQ(call(hung.run(), ctx_), kClosedError); });
  hung.wait_until_running();
  ASSERT_TRUE(clock_.wait_for_waiters(1));
  guard_->stop();
  caller.join();
  EXPECT_EQ(call([] { return 0L; }, ctx_), kClosedError);
  hung.let_go();
}

}  // namespace
}  // namespace scabbard::posix
