// The scripted server really does what its rules say: each fault as a client on the wire sees it.
#include "support/scripted_server/scripted_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <ostream>
#include <thread>
#include <vector>

#include "fault/raw_client.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scenario.hpp"

namespace scabbard {
namespace {

using scripted::ScriptedServer;
using ::testing::HasSubstr;

constexpr std::uint64_t kSize = 1000;

class ScriptedServerTest : public ::testing::Test {
 protected:
  /// Plays rules, given as in a scenario file; the object "object" is there.
  ScriptedServer& play(const std::string& rules, const std::string& more = "") {
    const std::string json = R"({"about": "test", "operation": {"kind": "get"}, "expect": {"result": "ok"},
        "objects": {"object": 1000}, "rules": [)" +
                             rules + "]" + more + "}";
    server_ = start_server(value_of(scripted::parse_scenario("test", json)));
    return *server_;
  }
  RawAnswer get(std::string_view headers = {}) const {
    return RawClient(server_->port()).ask("GET", "/bucket/object", headers);
  }
  const std::string object_ = scripted::scenario_object(kSize);
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(ScriptedServerTest, Error_is_answered_for_the_occurrences_named) {
  play(R"({"on": {"kind": "get_object", "first": 2, "last": 3}, "answer": {"status": 503, "code": "SlowDown"}})");
  RawClient client(server_->port());
  std::vector<int> statuses;
  for (int i = 0; i < 4; ++i) statuses.push_back(client.ask("GET", "/bucket/object").status);
  EXPECT_EQ(statuses, (std::vector{200, 503, 503, 200}));
  EXPECT_EQ(client.ask("HEAD", "/bucket/object").status, 200);
}

TEST_F(ScriptedServerTest, Error_has_a_code_and_headers) {
  play(R"({"answer": {"status": 503, "code": "SlowDown", "message": "Wait", "headers": {"Retry-After": "1"}}})");
  const RawAnswer answer = get();
  EXPECT_THAT(answer.body, HasSubstr("<Code>SlowDown</Code><Message>Wait</Message>"));
  EXPECT_EQ(answer.header("Retry-After"), "1");
}

TEST_F(ScriptedServerTest, Requests_are_told_apart_by_all_that_a_condition_names) {
  play(R"({"on": {"method": "HEAD"}, "answer": {"status": 500}},
          {"on": {"path": "/bucket/other"}, "answer": {"status": 501}},
          {"on": {"query": ["partNumber", "2"]}, "answer": {"status": 502}},
          {"on": {"access_key": "OLD"}, "answer": {"status": 503}},
          {"on": {"region": "eu-west-1"}, "answer": {"status": 504}})");
  const auto status = [&](std::string_view method, std::string_view target, std::string_view key = "NEW",
                          std::string_view region = "us-east-1") {
    const std::string signature = "Authorization: AWS4-HMAC-SHA256 Credential=" + std::string(key) + "/20261125/" +
                                  std::string(region) + "/s3/aws4_request, SignedHeaders=host, Signature=0\r\n";
    return RawClient(server_->port()).ask(method, target, signature).status;
  };
  EXPECT_EQ(status("GET", "/bucket/object"), 200);
  EXPECT_EQ(status("HEAD", "/bucket/object"), 500);
  EXPECT_EQ(status("GET", "/bucket/other"), 501);
  EXPECT_EQ(status("GET", "/bucket/object?partNumber=2"), 502);
  EXPECT_EQ(status("GET", "/bucket/object", "OLD"), 503);
  EXPECT_EQ(status("GET", "/bucket/object", "NEW", "eu-west-1"), 504);
}

TEST_F(ScriptedServerTest, Clock_that_differs_is_told_and_noticed) {
  play(R"({"on": {"skewed": true}, "answer": {"status": 403, "code": "RequestTimeTooSkewed"}})",
       R"(, "clock_offset": 3600)");
  const std::time_t now = std::time(nullptr);
  const auto status = [&](std::time_t at) {
    std::string date = scripted::xml_date(at);  // 2026-11-25T17:41:39.000Z
    date.resize(19);
    std::erase(date, '-');
    std::erase(date, ':');
    return get("x-amz-date: " + date + "Z\r\n").status;
  };
  EXPECT_EQ(status(now), 403);
  EXPECT_EQ(status(now + 3600), 200);
  EXPECT_EQ(get().header("Date").substr(0, 22), scripted::http_date(std::time(nullptr) + 3600).substr(0, 22));
}

TEST_F(ScriptedServerTest, Lost_answer_is_one_of_a_request_that_was_carried_out) {
  play(R"({"on": {"kind": "delete_object"}, "answer": {"status": 500, "code": "InternalError"}, "carried_out": true})");
  EXPECT_EQ(RawClient(server_->port()).ask("DELETE", "/bucket/object").status, 500);
  EXPECT_EQ(get().status, 404);
}

TEST_F(ScriptedServerTest, Answer_in_the_place_of_s3s_is_not_carried_out) {
  play(R"({"on": {"kind": "delete_object"}, "answer": {"status": 500, "code": "InternalError"}})");
  RawClient(server_->port()).ask("DELETE", "/bucket/object");
  EXPECT_EQ(get().status, 200);
}

TEST_F(ScriptedServerTest, Headers_are_changed_and_taken_away) {
  play(R"({"change": {"headers": {"ETag": null, "Content-Range": "bytes 7-8/9"}}})");
  const RawAnswer answer = get("Range: bytes=0-9\r\n");
  EXPECT_EQ(answer.header("ETag"), "");
  EXPECT_EQ(answer.header("Content-Range"), "bytes 7-8/9");
  EXPECT_EQ(answer.body, object_.substr(0, 10));
}

TEST_F(ScriptedServerTest, Byte_is_flipped_on_the_way_down) {
  play(R"({"change": {"flip": 500}})");
  std::string expected = object_;
  expected[500] = static_cast<char>(expected[500] ^ 1);
  EXPECT_EQ(get().body, expected);
}

TEST_F(ScriptedServerTest, Byte_is_flipped_on_the_way_up) {
  play(R"({"flip_upload": 2})");
  RawClient client(server_->port());
  EXPECT_EQ(client.ask("PUT", "/bucket/new", "x-amz-checksum-crc32c: 4waSgw==\r\n", "123456789").status, 400);
  EXPECT_EQ(client.ask("PUT", "/bucket/new", {}, "123456789").status, 200);
  EXPECT_EQ(server_->s3().object("new"), "122456789");
}

TEST_F(ScriptedServerTest, Ranged_get_is_answered_with_everything) {
  play(R"({"change": {"without_range": true}})");
  const RawAnswer answer = get("Range: bytes=0-9\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, object_);
}

TEST_F(ScriptedServerTest, White_space_comes_before_the_body) {
  play(R"({"on": {"kind": "list_objects"}, "change": {"space_before": 5}})");
  EXPECT_TRUE(RawClient(server_->port()).ask("GET", "/bucket?list-type=2").body.starts_with("     <?xml"));
}

TEST_F(ScriptedServerTest, Body_repeats_pieces_and_numbers_requests) {
  play(R"({"answer": {"body": ["<", {"repeat": "ab", "times": 3}, "$N>"]}})");
  EXPECT_EQ(get().body, "<ababab1>");
  EXPECT_EQ(get().body, "<ababab2>");
}

TEST_F(ScriptedServerTest, Body_is_cut_at_a_byte_or_a_fraction) {
  play(R"({"on": {"nth": 1}, "cut": {"in": "answer body", "after": 123}},
          {"on": {"nth": 2}, "cut": {"in": "answer body", "fraction": 0.75}},
          {"on": {"nth": 3}, "reset": {"in": "answer body", "after": 0}})");
  for (const std::size_t size : {123, 750}) {
    const RawAnswer answer = get();
    EXPECT_EQ(answer.header("Content-Length"), "1000");
    EXPECT_EQ(answer.body, object_.substr(0, size));
    EXPECT_EQ(answer.ending, Ending::kClosed);
  }
  EXPECT_EQ(get().ending, Ending::kReset);
  EXPECT_EQ(get().body, object_);
}

// In each phase a connection can be reset or closed; the request after that is answered.
struct Break {
  std::string phase;
  std::string how;
  bool carried_out;
};

void PrintTo(const Break& broken, std::ostream* out) { *out << broken.how << " in " << broken.phase; }

class Breaks : public ScriptedServerTest, public ::testing::WithParamInterface<Break> {};

TEST_P(Breaks, End_the_connection_in_their_phase) {
  const auto& [phase, how, carried_out] = GetParam();
  play(R"({"on": {"nth": 1}, ")" + how + R"(": {"in": ")" + phase + R"(", "after": 10}})");
  RawClient client(server_->port());
  const std::string body(1 << 20, 'x');
  const RawAnswer broken = client.ask("PUT", "/bucket/new", {}, body);
  EXPECT_EQ(broken.status, 0);
  // With unread bytes of the request, an orderly end becomes a reset.
  if (how == "reset" || !carried_out) {
    EXPECT_EQ(broken.ending, Ending::kReset);
  }
  if (how == "cut" && carried_out) {
    EXPECT_EQ(broken.ending, Ending::kClosed);
  }
  if (phase == "answer head") {
    EXPECT_EQ(how == "cut" ? broken.head : "HTTP/1.1 2", "HTTP/1.1 2");
  }
  EXPECT_EQ(server_->s3().object("new").has_value(), carried_out);
  EXPECT_EQ(RawClient(server_->port()).ask("PUT", "/bucket/new", {}, body).status, 200);
  EXPECT_EQ(server_->seen().requests, phase == "accept" ? 1U : 2U);
  EXPECT_EQ(server_->seen().connections, 2U);
}

INSTANTIATE_TEST_SUITE_P(Phases, Breaks,
                         ::testing::Values(Break{"accept", "reset", false}, Break{"request head", "reset", false},
                                           Break{"request body", "reset", false}, Break{"answer head", "reset", true},
                                           Break{"accept", "cut", false}, Break{"request head", "cut", false},
                                           Break{"request body", "cut", false}, Break{"answer head", "cut", true}));

class Stalls : public ScriptedServerTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(Stalls, Last_until_they_are_released) {
  play(R"({"on": {"nth": 1}, "stall": {"in": ")" + GetParam() + R"(", "after": 10}})");
  RawClient client(server_->port());
  ASSERT_TRUE(client.send(request_text("PUT", "/bucket/object", "Content-Length: 100\r\n")));
  client.send(std::string(100, 'x'));
  ASSERT_TRUE(server_->wait_until_stalling());
  EXPECT_EQ(client.pending(), GetParam() == "answer head" ? "HTTP/1.1 2" : "");
  server_->release();
  if (GetParam() == "answer head") {
    EXPECT_EQ(client.read_rest(7), "00 OK\r\n");
  }
  client.read_answer();
  EXPECT_EQ(server_->s3().object("object"), std::string(100, 'x'));
  EXPECT_EQ(client.ask("GET", "/bucket/object").status, 200);
}

INSTANTIATE_TEST_SUITE_P(Phases, Stalls, ::testing::Values("accept", "request head", "request body", "answer head"));

TEST_F(ScriptedServerTest, Stall_in_the_body_comes_after_its_bytes) {
  play(R"({"stall": {"in": "answer body", "fraction": 0.5}})");
  RawClient client(server_->port());
  client.send(request_text("GET", "/bucket/object"));
  ASSERT_TRUE(server_->wait_until_stalling());
  const std::string first = client.pending();
  EXPECT_TRUE(first.ends_with(object_.substr(0, 500)));
  server_->release();
  EXPECT_EQ(client.read_rest(500), object_.substr(500));
}

TEST_F(ScriptedServerTest, Stall_in_an_upload_stops_the_sender) {
  play(R"({"stall": {"in": "request body", "after": 1000}})");
  RawClient client(server_->port());
  const std::string body(64 << 20, 'x');
  std::thread sender([&] { client.send(request_text("PUT", "/bucket/new", {}, body)); });
  ASSERT_TRUE(server_->wait_until_stalling());
  EXPECT_FALSE(server_->s3().object("new").has_value());
  server_->release();
  sender.join();
  EXPECT_EQ(client.read_answer().status, 200);
}

TEST_F(ScriptedServerTest, Stall_ends_when_its_peer_goes) {
  play(R"({"on": {"nth": 1}, "stall": {"in": "answer head"}})");
  {
    RawClient client(server_->port());
    client.send(request_text("GET", "/bucket/object"));
    ASSERT_TRUE(server_->wait_until_stalling());
  }
  EXPECT_TRUE(server_->wait_until_nothing_stalls());
}

TEST_F(ScriptedServerTest, Delay_holds_an_answer_back_and_no_other) {
  play(R"({"on": {"nth": 1}, "delay_ms": 100})");
  RawClient slow(server_->port());
  const auto start = std::chrono::steady_clock::now();
  slow.send(request_text("GET", "/bucket/object"));
  ASSERT_TRUE(server_->wait_for_requests(1));
  EXPECT_EQ(get().status, 200);
  EXPECT_EQ(slow.pending(), "");
  EXPECT_EQ(slow.read_answer().status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
}

TEST_F(ScriptedServerTest, Every_connection_is_closed_after_its_answer) {
  play(R"({"close": true})");
  RawClient client(server_->port());
  EXPECT_EQ(client.ask("GET", "/bucket/object").body, object_);
  EXPECT_EQ(client.read_answer().ending, Ending::kClosed);
}

TEST_F(ScriptedServerTest, One_endpoint_of_two_can_be_dead) {
  play(R"({"on": {"endpoint": 1}, "answer": {"status": 500}})", R"(, "endpoints": ["refusing", "alive", "alive"])");
  EXPECT_FALSE(RawClient(server_->port(0)).is_connected());
  EXPECT_EQ(RawClient(server_->port(1)).ask("GET", "/bucket/object").status, 500);
  EXPECT_EQ(RawClient(server_->port(2)).ask("GET", "/bucket/object").status, 200);
}

TEST_F(ScriptedServerTest, Requests_are_counted_by_kind) {
  play("");
  RawClient client(server_->port());
  client.ask("PUT", "/bucket/a", {}, "x");
  client.ask("GET", "/bucket/a");
  client.ask("GET", "/bucket/a");
  client.ask("GET", "/bucket?list-type=2");
  const scripted::Seen seen = server_->seen();
  EXPECT_EQ(seen.requests, 4U);
  EXPECT_EQ(seen.connections, 1U);
  EXPECT_EQ(seen.by_kind.at("get_object"), 2U);
  EXPECT_EQ(seen.by_kind.at("list_objects"), 1U);
}

}  // namespace
}  // namespace scabbard
