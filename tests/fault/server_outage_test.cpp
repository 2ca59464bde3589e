// A server that stops answering, for a short and for a long time, and calls that are cancelled while it does not
// answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "scenario_operation.hpp"
#include "support/driven_time.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scenario.hpp"
#include "support/store_on_server.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {
namespace {

using namespace std::chrono_literals;
using scripted::Answer;
using scripted::Interruption;
using scripted::Phase;
using scripted::Rule;
using scripted::Scenario;
using scripted::ScriptedServer;

Scenario scenario_of(const std::string& kind) {
  Scenario scenario;
  scenario.operation = {.kind = kind, .size = 12 << 20, .ranges = 4, .range_size = 1000};
  scenario.options = {{"PartSize", "5MiB"}, {"MergeGap", "0"}};
  scenario.objects = {{"object", 5 << 20}};
  return scenario;
}

Rule server_error() {
  Rule rule;
  rule.answer = Answer{.status = 500, .headers = {}, .body = {}};
  return rule;
}

// The server answers with errors until so much of the clock's time has gone by.
class Outage {
 public:
  Outage(StoreOnServer& store, ScriptedServer& server, std::chrono::seconds length)
      : thread_([&store, &server, until = store.clock().now() + length](const std::stop_token& stop) {
          while (!stop.stop_requested() && store.clock().now() < until) {
            const auto changes = store.clock().wait_until_all_wait(stop, 1);
            if (changes) store.clock().wait_for_change(stop, *changes);
          }
          server.set_in_trouble(false);
        }) {
    server.set_in_trouble(true);
  }

 private:
  std::jthread thread_;
};

class StoreDuringOutage : public ::testing::TestWithParam<const char*> {};

TEST_P(StoreDuringOutage, Of_two_minutes_rides_it_out) {
  Scenario scenario = scenario_of(GetParam());
  const auto server = scripted::start_server(scenario);
  StoreOnServer store(*server, scenario.options);
  const DrivenTime time(store.clock(), *server);
  const auto begin = store.clock().now();
  const Outage outage(store, *server, 2min);
  EXPECT_THAT(carry_out(scenario, store.context(), *store, *server), Succeeds());
  EXPECT_GE(store.clock().now() - begin, 2min);
  EXPECT_LE(store.clock().now() - begin, 3min);
}

TEST_P(StoreDuringOutage, Of_ten_minutes_fails_at_once_until_the_server_answers_again) {
  Scenario scenario = scenario_of(GetParam());
  const auto server = scripted::start_server(scenario);
  StoreOnServer store(*server, scenario.options);
  const DrivenTime time(store.clock(), *server);
  server->set_in_trouble(true);
  const auto begin = store.clock().now();
  EXPECT_THAT(carry_out(scenario, store.context(), *store, *server), FailsWith(ErrorCode::kUnavailable));
  EXPECT_GE(store.clock().now() - begin, 5min);

  const auto given_up = store.clock().now();
  EXPECT_THAT(store->stat(store.context(), "object"), FailsSaying(ErrorCode::kUnavailable, "not answered for long"));
  EXPECT_EQ(store.clock().now(), given_up);

  server->set_in_trouble(false);
  store.clock().advance(5min);
  while (!store->stat(store.context(), "object")) {  // until the probe is answered, in real time
    store.clock().advance(2s);
  }
  EXPECT_THAT(carry_out(scenario, store.context(), *store, *server), Succeeds());
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreDuringOutage, ::testing::Values("stat", "get", "put", "list", "read"),
                         [](const auto& one) { return std::string(one.param); });

struct Stall {
  const char* kind;
  const char* name;
  Phase phase;
  const char* request = "";  // which is stalled; any
};

void PrintTo(const Stall& stall, std::ostream* out) { *out << stall.kind << " " << stall.name; }

// Cancels the operation once `is_waiting()` says that it waits for the server.
template <class IsWaiting>
void expect_prompt_cancellation(const Scenario& scenario, ScriptedServer& server, StoreOnServer& store,
                                IsWaiting is_waiting) {
  std::stop_source cancel;
  Result<void> result;
  std::thread caller(
      [&] { result = carry_out(scenario, store.context().with_cancel(cancel.get_token()), *store, server); });
  EXPECT_TRUE(is_waiting());
  const auto begin = std::chrono::steady_clock::now();
  cancel.request_stop();
  caller.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 100ms);
  EXPECT_THAT(result, FailsWith(ErrorCode::kCancelled));
}

class CancelledCall : public ::testing::TestWithParam<Stall> {};

TEST_P(CancelledCall, Ends_within_100_ms_whatever_the_server_is_at) {
  Scenario scenario = scenario_of(GetParam().kind);
  Rule rule;
  rule.on.kind = GetParam().request;
  rule.interruption = Interruption{.how = Interruption::How::kStall, .where = GetParam().phase, .fraction = {}};
  scenario.server.rules.push_back(rule);
  const auto server = scripted::start_server(scenario);
  StoreOnServer store(*server, scenario.options);
  expect_prompt_cancellation(scenario, *server, store, [&] { return server->wait_until_stalling(); });
}

INSTANTIATE_TEST_SUITE_P(
    Everywhere, CancelledCall,
    ::testing::Values(Stall{"stat", "accept", Phase::kAccept}, Stall{"stat", "request", Phase::kRequestHead},
                      Stall{"stat", "answer", Phase::kAnswerHead}, Stall{"get", "open", Phase::kAnswerHead},
                      Stall{"get", "head", Phase::kAnswerHead, "get_object"},
                      Stall{"get", "body", Phase::kAnswerBody, "get_object"},
                      Stall{"put", "create", Phase::kAnswerHead, "create_multipart_upload"},
                      Stall{"put", "part", Phase::kRequestBody, "upload_part"},
                      Stall{"put", "part_answer", Phase::kAnswerHead, "upload_part"},
                      Stall{"put", "complete", Phase::kAnswerHead, "complete_multipart_upload"},
                      Stall{"put", "verify", Phase::kAnswerHead, "head_object"},
                      Stall{"list", "head", Phase::kAnswerHead}, Stall{"list", "body", Phase::kAnswerBody},
                      Stall{"read", "head", Phase::kAnswerHead}, Stall{"read", "body", Phase::kAnswerBody},
                      Stall{"remove", "answer", Phase::kAnswerHead, "delete_object"},
                      Stall{"copy", "answer", Phase::kAnswerHead, "copy_object"}),
    [](const auto& one) { return std::string(one.param.kind) + "_" + one.param.name; });

class CancelledRetry : public ::testing::TestWithParam<const char*> {};

TEST_P(CancelledRetry, Ends_within_100_ms_while_it_waits_for_the_next_attempt) {
  Scenario scenario = scenario_of(GetParam());
  scenario.server.rules = {server_error()};
  const auto server = scripted::start_server(scenario);
  StoreOnServer store(*server, scenario.options);  // whose clock stands still
  expect_prompt_cancellation(scenario, *server, store, [&] {
    return server->wait_for_requests(1) && store.clock().wait_until_all_wait({}, 3) &&
           server->is_idle_since(server->wait_until_idle());
  });
}

INSTANTIATE_TEST_SUITE_P(Kinds, CancelledRetry, ::testing::Values("stat", "get", "put", "list", "read", "remove"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace scabbard
