#include "store/s3/credential_fetch.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "support/result_matchers.hpp"
#include "support/scripted_server/scripted_server.hpp"

namespace scabbard::s3 {
namespace {

using scripted::Answer;
using scripted::Rule;
using scripted::ScriptedServer;

// In the machine's time, as in the process: no test of a chain with a stand-in sees how long this waits.
TEST(CredentialFetch, Answer_of_an_endpoint_is_waited_for) {
  Rule rule;
  rule.answer = Answer{.status = 200, .headers = {}, .body = R"({"AccessKeyId":"id"})"};
  const ScriptedServer server({.delay = std::chrono::milliseconds(400), .rules = {rule}});
  const Context ctx = Context().with_timeout(std::chrono::seconds(30));
  const auto answer = value_of(fetch(ctx, {.method = "GET", .url = server.url() + "/credentials", .headers = {}}));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"AccessKeyId":"id"})");
}

TEST(CredentialFetch, Endpoint_that_is_not_there_is_asked_once) {
  const ScriptedServer server({.endpoints = {scripted::Settings::Endpoint::kRefusing}});
  EXPECT_THAT(fetch({}, {.method = "GET", .url = server.url() + "/credentials", .headers = {}}),
              FailsWith(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace scabbard::s3
