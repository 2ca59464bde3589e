// Every scenario is played: the store is asked what its file says, the server does wrong what it says, and what comes
// of it is compared, in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "scenario_operation.hpp"
#include "support/driven_time.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scenario.hpp"
#include "support/store_on_server.hpp"

namespace scabbard {
namespace {

using scripted::Scenario;
using scripted::Seen;
using ::testing::HasSubstr;

struct Played {
  Result<void> result;
  std::chrono::nanoseconds took;
  Seen seen;
};

Played play(const Scenario& scenario) {
  const auto server = scripted::start_server(scenario);
  Played played;
  {
    StoreOnServer store(*server, scenario.options, scenario.access_keys);
    const DrivenTime time(store.clock(), *server);
    const auto begin = store.clock().now();
    const Context ctx = store.context().with_timeout(std::chrono::seconds(scenario.operation.timeout));
    played.result = carry_out(scenario, ctx, *store, *server);
    played.took = store.clock().now() - begin;
  }
  played.seen = server->seen();
  return played;
}

template <class Number>
std::string described(const scripted::Bounds<Number>& bounds) {
  return ::testing::PrintToString(bounds.least) + " to " + ::testing::PrintToString(bounds.most);
}

template <class Number>
void expect_within(const scripted::Bounds<Number>& bounds, Number value, std::string_view what) {
  EXPECT_TRUE(bounds.hold(value)) << value << " " << what << " instead of " << described(bounds);
}

void expect_result(const scripted::Expectation& expect, const Result<void>& result) {
  if (!expect.error) {
    EXPECT_THAT(result, Succeeds());
    return;
  }
  ASSERT_THAT(result, FailsWith(*expect.error));
  for (const std::string& text : expect.message_contains) EXPECT_THAT(result.error().message, HasSubstr(text));
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos) << result.error().message;
}

void expect_played(const Scenario& scenario) {
  SCOPED_TRACE(scenario.about);
  const Played played = play(scenario);
  expect_result(scenario.expect, played.result);
  expect_within(scenario.expect.requests, played.seen.requests, "requests");
  for (const auto& [kind, bounds] : scenario.expect.by_kind) {
    const auto found = played.seen.by_kind.find(kind);
    expect_within(bounds, found == played.seen.by_kind.end() ? 0 : found->second, kind);
  }
  if (scenario.expect.connections) {
    expect_within(*scenario.expect.connections, played.seen.connections, "connections");
  }
  if (scenario.expect.seconds) {
    expect_within(*scenario.expect.seconds, std::chrono::duration<double>(played.took).count(), "virtual seconds");
  }
  if (::testing::Test::HasFailure()) {
    for (const auto& [kind, count] : played.seen.by_kind) std::cout << "seen: " << kind << " " << count << "\n";
  }
}

class PlayedScenario : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(PlayedScenario, Ends_as_its_file_says) { expect_played(value_of(scripted::read_scenario(GetParam()))); }

std::vector<std::filesystem::path> scenarios_of_puts() {
  auto files = scripted::scenario_files();
  std::erase_if(files,
                [](const auto& file) { return value_of(scripted::read_scenario(file)).operation.kind != "put"; });
  return files;
}

class PutScenario : public ::testing::TestWithParam<std::filesystem::path> {};

// Parts that are not signed go out of the page cache, and not out of memory of ours.
TEST_P(PutScenario, Ends_the_same_with_a_file_that_is_not_signed) {
  Scenario scenario = value_of(scripted::read_scenario(GetParam()));
  scenario.operation.kind = "put_file";
  scenario.options["PayloadSigning"] = "never";
  expect_played(scenario);
}

std::string name_of(const ::testing::TestParamInfo<std::filesystem::path>& file) { return file.param.stem().string(); }

INSTANTIATE_TEST_SUITE_P(All, PlayedScenario, ::testing::ValuesIn(scripted::scenario_files()), name_of);
INSTANTIATE_TEST_SUITE_P(All, PutScenario, ::testing::ValuesIn(scenarios_of_puts()), name_of);

}  // namespace
}  // namespace scabbard
