// Small reads that are late are asked a second time: not often, and not while the server is asked too much.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/store_on_server.hpp"

namespace scabbard {
namespace {

using namespace std::chrono_literals;
using scripted::Interruption;
using scripted::Phase;
using scripted::Rule;
using scripted::ScriptedServer;

// As many answers as it takes before latencies are known well enough.
constexpr std::uint64_t kBefore = 250;
constexpr std::uint64_t kMostAtOnce = 8;

Rule stall_from(std::uint64_t first, std::uint64_t last) {
  Rule rule;
  rule.on.kind = "get_object";
  rule.on.first = first;
  rule.on.last = last;
  rule.interruption = Interruption{.how = Interruption::How::kStall, .where = Phase::kAnswerHead, .fraction = {}};
  return rule;
}

std::unique_ptr<ScriptedServer> server_with(std::vector<Rule> rules) {
  scripted::Settings settings;
  settings.rules = std::move(rules);
  auto server = std::make_unique<ScriptedServer>(std::move(settings));
  server->s3().add_object("object", to_text(pattern_bytes(1, 1 << 20)));
  return server;
}

class Reads {
 public:
  Reads(Store& store, std::size_t count) : memory_(count, Bytes(100)), entries_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      entries_[i].object = "object";
      entries_[i].offset = static_cast<std::int64_t>(i * 101);
      entries_[i].into = memory_[i];
    }
    queue_ = store.read_queue();
    submitted_ = queue_->submit(entries_);
  }
  ~Reads() { queue_->cancel(); }

  void expect_all_right() {
    ASSERT_THAT(submitted_, Succeeds());
    std::vector<RangeRead*> done(entries_.size());
    for (std::size_t left = entries_.size(); left > 0;) {
      const auto count = queue_->wait(Context(), done);
      ASSERT_THAT(count, Succeeds());
      left -= *count;
    }
    const Bytes all = pattern_bytes(1, 1 << 20);
    for (std::size_t i = 0; i < entries_.size(); ++i) EXPECT_EQ(memory_[i], slice(all, i * 101, 100));
  }

 private:
  std::vector<Bytes> memory_;
  std::vector<RangeRead> entries_;
  std::unique_ptr<ReadQueue> queue_;
  Result<void> submitted_;
};

// Moves the clock, and waits until what that brings about has come to the server.
void advance(StoreOnServer& store, const ScriptedServer& server, std::chrono::nanoseconds by) {
  constexpr std::size_t kLoopAndCredentials = 2;
  store.clock().advance(by);
  for (;;) {
    const auto at_client = store.clock().wait_until_all_wait({}, kLoopAndCredentials);
    const auto at_server = server.wait_until_idle();
    if (at_client && store.clock().stands_still(*at_client) && server.is_idle_since(at_server) &&
        store.clock().stands_still(*at_client)) {
      return;
    }
    std::this_thread::yield();
  }
}

struct Hedging : ::testing::Test {
  const std::map<std::string, std::string> options = {{"Hedging", "auto"}, {"MergeGap", "0"}};
};

TEST_F(Hedging, Of_a_late_answer_takes_the_one_that_comes_first) {
  const auto server = server_with({stall_from(kBefore + 1, kBefore + 1)});
  StoreOnServer store(*server, options);
  Reads(*store, kBefore).expect_all_right();
  Reads late(*store, 1);
  ASSERT_TRUE(server->wait_until_stalling());
  advance(store, *server, 1ms);
  late.expect_all_right();
  EXPECT_EQ(server->seen().requests, kBefore + 2);
}

// A proof for a block is too few reads for that.
TEST_F(Hedging, Comes_later_while_few_latencies_are_known) {
  constexpr std::uint64_t kFew = 30;
  const auto server = server_with({stall_from(kFew + 1, kFew + 1)});
  StoreOnServer store(*server, options);
  Reads(*store, kFew).expect_all_right();
  Reads late(*store, 1);
  ASSERT_TRUE(server->wait_until_stalling());
  advance(store, *server, 400ms);
  EXPECT_EQ(server->seen().requests, kFew + 1);
  advance(store, *server, 100ms);
  late.expect_all_right();
  EXPECT_EQ(server->seen().requests, kFew + 2);
}

TEST_F(Hedging, Is_not_more_than_a_few_at_once) {
  constexpr std::uint64_t kLate = 40;
  const auto server = server_with({stall_from(kBefore + 1, 1'000'000)});
  StoreOnServer store(*server, options);
  Reads(*store, kBefore).expect_all_right();
  Reads late(*store, kLate);
  ASSERT_TRUE(server->wait_until_stalling(kLate));
  for (int i = 0; i < 100; ++i) advance(store, *server, 1ms);
  EXPECT_EQ(server->seen().requests, kBefore + kLate + kMostAtOnce);
}

TEST_F(Hedging, Is_never_done_while_the_server_is_asked_too_much) {
  Rule slow_down;
  slow_down.on.kind = "get_object";
  slow_down.on.first = slow_down.on.last = kBefore + 1;
  slow_down.answer = scripted::Answer{.status = 503, .headers = {}, .body = {}};
  const auto server = server_with({slow_down, stall_from(kBefore + 3, kBefore + 3)});
  StoreOnServer store(*server, options);
  Reads(*store, kBefore).expect_all_right();
  Reads slowed_down(*store, 1);
  ASSERT_TRUE(server->wait_for_requests(kBefore + 1));
  advance(store, *server, 0ms);
  advance(store, *server, 1s);
  slowed_down.expect_all_right();

  Reads late(*store, 1);
  ASSERT_TRUE(server->wait_until_stalling());
  advance(store, *server, 1ms);
  EXPECT_EQ(server->seen().requests, kBefore + 3);
}

}  // namespace
}  // namespace scabbard
