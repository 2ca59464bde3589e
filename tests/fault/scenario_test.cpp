// The scenario files are sound: each can be read, and each of its rules is for a request that S3 knows. That the server
// does what a rule says is tested in scripted_server_test.cpp; what comes of it at the store, where the store is.
#include "support/scripted_server/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "support/result_matchers.hpp"
#include "support/scripted_server/s3_request.hpp"

namespace scabbard {
namespace {

using scripted::Condition;
using scripted::parse_scenario;
using scripted::read_scenario;
using scripted::Request;
using scripted::Scenario;
using ::testing::HasSubstr;

std::string error_of(const std::string& json) {
  const auto scenario = parse_scenario("name", json);
  return scenario ? "" : scenario.error().message;
}

TEST(Scenario, Without_its_parts_is_refused) {
  EXPECT_THAT(error_of("{"), HasSubstr("name: "));
  EXPECT_THAT(error_of("{}"), HasSubstr("about is missing"));
  EXPECT_THAT(error_of(R"({"about": "x", "operation": {"kind": "get"}})"), HasSubstr("expect is missing"));
  EXPECT_THAT(error_of(R"({"about": "x", "operation": {"kind": "fly"}, "expect": {"result": "ok"}})"),
              HasSubstr("'fly' is unknown"));
  EXPECT_THAT(error_of(R"({"about": "x", "operation": {"kind": "get"}, "expect": {"result": "good"}})"),
              HasSubstr("'good' is neither"));
}

TEST(Scenario, Misspelt_member_is_refused_wherever_it_is) {
  const auto with_rule = [](const std::string& rule) {
    return error_of(R"({"about": "x", "operation": {"kind": "get"}, "expect": {"result": "ok"}, "rules": [)" + rule +
                    "]}");
  };
  EXPECT_EQ(with_rule("{}"), "");
  EXPECT_THAT(with_rule(R"({"onn": {}})"), HasSubstr("rules[0].onn is unknown"));
  EXPECT_THAT(with_rule(R"({}, {"on": {"kid": "get_object"}})"), HasSubstr("rules[1].on.kid is unknown"));
  EXPECT_THAT(with_rule(R"({"on": {"nth": "first"}})"), HasSubstr("rules[0].on.nth has the wrong type"));
  EXPECT_THAT(with_rule(R"({"stall": {"in": "limbo"}})"), HasSubstr("'limbo' is unknown"));
}

TEST(Scenario, Bounds_are_a_number_or_two) {
  const auto scenario = value_of(parse_scenario("name", R"({"about": "x", "operation": {"kind": "get"},
      "expect": {"result": "I/O error", "requests": 3, "by_kind": {"get_object": [1, 2]}, "seconds": [1.5, null]}})"));
  EXPECT_EQ(scenario.expect.error, ErrorCode::kIo);
  EXPECT_TRUE(scenario.expect.requests.hold(3));
  EXPECT_FALSE(scenario.expect.requests.hold(2));
  EXPECT_FALSE(scenario.expect.by_kind.at("get_object").hold(3));
  EXPECT_TRUE(scenario.expect.seconds->hold(1e9));
  EXPECT_FALSE(scenario.expect.seconds->hold(1.4));
}

class ScenarioFile : public ::testing::TestWithParam<std::filesystem::path> {};

// One request of each kind, signed with the key for the region.
std::vector<Request> requests_of_all_kinds(const Scenario& scenario, const Condition& on) {
  const std::string signature =
      "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=" + on.access_key.value_or(scenario.access_keys.front()) +
      "/20261125/" + on.region.value_or("us-east-1") + "/s3/aws4_request, SignedHeaders=, Signature=";
  const std::string object = "/bucket/" + scenario.operation.object;
  std::vector<Request> all;
  const auto add = [&](const std::string& method, const std::string& target, const std::string& more = "") {
    all.push_back(*scripted::parse_head(method + " " + target + " HTTP/1.1" + signature + more));
  };
  const std::string source = "\r\nx-amz-copy-source: bucket/source";
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) add(method, object);
  for (const char* query : {"?list-type=2", "?uploads"}) add("GET", std::string("/bucket") + query);
  for (int part = 1; part <= 10; ++part) {
    const std::string target = object + "?uploadId=1&partNumber=" + std::to_string(part);
    add("PUT", target);
    add("PUT", target, source);
  }
  add("PUT", object, source);
  for (const char* method : {"GET", "POST", "DELETE"}) add(method, object + "?uploadId=1");
  add("POST", object + "?uploads");
  add("POST", "/bucket?delete");
  add("HEAD", "/bucket");
  return all;
}

TEST_P(ScenarioFile, Can_be_read_and_its_rules_can_be_met) {
  const auto scenario = read_scenario(GetParam());
  ASSERT_THAT(scenario, Succeeds());
  for (std::size_t i = 0; i < scenario->server.rules.size(); ++i) {
    const Condition& on = scenario->server.rules[i].on;
    EXPECT_LE(on.first, on.last);
    const auto requests = requests_of_all_kinds(*scenario, on);
    EXPECT_TRUE(std::ranges::any_of(requests,
                                    [&](const Request& request) {
                                      return scripted::holds(on, request, on.endpoint.value_or(0), std::time(nullptr));
                                    }))
        << "rules[" << i << "] is for no request that a store makes";
  }
  std::set<std::string, std::less<>> kinds;
  for (const Request& request : requests_of_all_kinds(*scenario, {})) kinds.emplace(scripted::kind_of(request));
  for (const auto& [kind, bounds] : scenario->expect.by_kind) EXPECT_TRUE(kinds.contains(kind)) << kind;
}

TEST_P(ScenarioFile, Can_be_played) {
  const auto scenario = read_scenario(GetParam());
  ASSERT_THAT(scenario, Succeeds());
  const auto server = scripted::start_server(*scenario);
  EXPECT_EQ(server->s3().holding().objects, scenario->objects.size());
  EXPECT_EQ(server->seen().requests, 0U);
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioFile, ::testing::ValuesIn(scripted::scenario_files()),
                         [](const auto& file) { return file.param.stem().string(); });

}  // namespace
}  // namespace scabbard
