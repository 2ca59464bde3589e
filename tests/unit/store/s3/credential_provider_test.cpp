#include "store/s3/credential_provider.hpp"

#include <gmock/gmock.h>

#include <deque>
#include <future>

#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"

namespace scabbard::s3 {
namespace {

using namespace std::chrono_literals;

// What the test says and the source, which belongs to the provider, plays.
struct Script {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<Result<Credentials>> answers;  // load() waits where there is none
  std::string fingerprint = "1";
  int loads = 0;  // begun
  int looks = 0;  // at the fingerprint

  void answer(Result<Credentials> result) {
    std::lock_guard lock(mutex);
    answers.push_back(std::move(result));
    changed.notify_all();
  }
  void change_file() {
    std::lock_guard lock(mutex);
    fingerprint += "1";
  }
  void wait_for_loads(int count) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 1min, [&] { return loads >= count; }));
  }
  void wait_for_looks(int count) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 1min, [&] { return looks >= count; }));
  }
  int look_count() {
    std::lock_guard lock(mutex);
    return looks;
  }
  int load_count() {
    std::lock_guard lock(mutex);
    return loads;
  }
};

class PlayedSource final : public CredentialSource {
 public:
  explicit PlayedSource(Script& script) : script_(script) {}

  Result<Credentials> load(const Context& ctx) override {
    std::unique_lock lock(script_.mutex);
    ++script_.loads;
    script_.changed.notify_all();
    if (auto ended = ctx.wait(lock, script_.changed, [&] { return !script_.answers.empty(); })) {
      return fail(*ended, "the source was ended");
    }
    auto answer = std::move(script_.answers.front());
    script_.answers.pop_front();
    return answer;
  }

  std::string fingerprint() const override {
    std::lock_guard lock(script_.mutex);
    ++script_.looks;
    script_.changed.notify_all();
    return script_.fingerprint;
  }

 private:
  Script& script_;
};

Credentials keys(const std::string& name, std::optional<std::chrono::seconds> good_for = std::nullopt) {
  Credentials out{.access_key = name, .secret_key = "hunter2", .session_token = "", .expires = {}};
  if (good_for) out.expires = std::chrono::system_clock::now() + *good_for;
  return out;
}

class CredentialProviderTest : public testing::Test {
 protected:
  std::string current() {
    auto credentials = provider_.current();
    return credentials ? credentials->access_key : "(none)";
  }
  // The name of the key that get() gives.
  Result<std::string> get(const Context& ctx = {}) {
    auto credentials = provider_.get(ctx);
    if (!credentials) return fail(credentials.error());
    return (*credentials)->access_key;
  }
  // Until the background has nothing to do but to wait for time to pass. It does not wait in load().
  void wait_until_idle() { ASSERT_TRUE(clock_.wait_for_waiters(1)); }
  // Moves time up to where the background only looks at the files.
  void pass_quietly(Clock::Duration time) {
    int looks = script_.look_count();
    clock_.advance(time);
    script_.wait_for_looks(looks + 1);
    wait_until_idle();
  }
  // Moves time to where the answer, which is there already, is asked for.
  void pass_to_load(Clock::Duration time, int count) {
    clock_.advance(time);
    script_.wait_for_loads(count);
    wait_until_idle();
  }
  void begin_with(const Credentials& credentials) {
    script_.answer(credentials);
    ASSERT_THAT(get(), Succeeds());
    wait_until_idle();
  }

  ManualClock clock_;
  Script script_;
  CredentialProvider provider_{std::make_unique<PlayedSource>(script_), clock_};
};

TEST_F(CredentialProviderTest, Asks_nobody_before_somebody_asks) {
  EXPECT_EQ(provider_.current(), nullptr);
  EXPECT_EQ(script_.load_count(), 0);
}

TEST_F(CredentialProviderTest, Keeps_what_it_was_given) {
  begin_with(keys("A"));
  EXPECT_THAT(get(), Gives(std::string("A")));
  EXPECT_EQ(current(), "A");
  EXPECT_EQ(script_.load_count(), 1);
}

TEST_F(CredentialProviderTest, Everybody_waits_for_the_same_attempt) {
  std::vector<std::future<Result<std::string>>> callers;
  for (int i = 0; i < 4; ++i) {
    callers.push_back(std::async(std::launch::async, [&] { return get(Context().with_clock(clock_)); }));
  }
  ASSERT_TRUE(clock_.wait_for_waiters(5));  // they, and the source
  script_.answer(keys("A"));
  for (auto& caller : callers) EXPECT_THAT(caller.get(), Gives(std::string("A")));
  EXPECT_EQ(script_.load_count(), 1);
}

TEST_F(CredentialProviderTest, A_wait_ends_with_its_context) {
  auto caller = std::async(std::launch::async, [&] { return get(Context().with_clock(clock_).with_timeout(10s)); });
  ASSERT_TRUE(clock_.wait_for_waiters(2));
  clock_.advance(10s);
  EXPECT_THAT(caller.get(), FailsSaying(ErrorCode::kDeadlineExceeded, "wait for credentials"));
}

TEST_F(CredentialProviderTest, An_attempt_ends_after_a_minute) {
  auto caller = std::async(std::launch::async, [&] { return get(Context().with_clock(clock_)); });
  ASSERT_TRUE(clock_.wait_for_waiters(2));
  clock_.advance(1min);
  EXPECT_THAT(caller.get(), FailsWith(ErrorCode::kDeadlineExceeded));
}

TEST_F(CredentialProviderTest, A_failure_is_the_answer_for_a_second) {
  script_.answer(fail(ErrorCode::kInvalidArgument, "no credentials: do this"));
  EXPECT_THAT(get(), FailsSaying(ErrorCode::kInvalidArgument, "do this"));
  EXPECT_THAT(get(), FailsSaying(ErrorCode::kInvalidArgument, "do this"));
  EXPECT_EQ(script_.load_count(), 1);
  clock_.advance(1s);
  script_.answer(keys("A"));
  EXPECT_THAT(get(), Gives(std::string("A")));
}

TEST_F(CredentialProviderTest, Renews_five_to_six_minutes_before_expiry) {
  begin_with(keys("A", 1h));
  script_.answer(keys("B", 1h));
  pass_quietly(53min);
  EXPECT_EQ(current(), "A");
  pass_to_load(2min, 2);
  EXPECT_EQ(current(), "B");
}

TEST_F(CredentialProviderTest, Renews_short_lived_ones_halfway) {
  begin_with(keys("A", 4min));
  script_.answer(keys("B"));
  pass_quietly(90s);
  EXPECT_EQ(current(), "A");
  pass_to_load(30s, 2);
  EXPECT_EQ(current(), "B");
}

TEST_F(CredentialProviderTest, What_has_expired_when_it_comes_is_used_and_asked_for_again_after_a_minute) {
  begin_with(keys("A", -1h));
  EXPECT_THAT(get(), Gives(std::string("A")));
  script_.answer(keys("B"));
  pass_to_load(1min, 2);
  EXPECT_EQ(current(), "B");
}

TEST_F(CredentialProviderTest, Keeps_the_old_ones_when_renewal_fails_and_tries_again_after_a_minute) {
  begin_with(keys("A", 1h));
  script_.answer(fail(ErrorCode::kUnavailable, "no answer"));
  pass_to_load(55min, 2);
  EXPECT_THAT(get(), Gives(std::string("A")));
  script_.answer(keys("B", 1h));
  pass_to_load(1min, 3);
  EXPECT_EQ(current(), "B");
}

TEST_F(CredentialProviderTest, Reads_changed_files_within_a_minute) {
  begin_with(keys("A"));
  pass_quietly(1min);
  EXPECT_EQ(script_.load_count(), 1);
  script_.change_file();
  script_.answer(keys("B"));
  pass_to_load(1min, 2);
  EXPECT_EQ(current(), "B");
}

TEST_F(CredentialProviderTest, Rejected_ones_are_renewed_and_get_waits_for_that) {
  begin_with(keys("A"));
  provider_.rejected(keys("A"));
  script_.wait_for_loads(2);
  EXPECT_EQ(current(), "A");
  auto caller = std::async(std::launch::async, [&] { return get(Context().with_clock(clock_)); });
  ASSERT_TRUE(clock_.wait_for_waiters(2));
  script_.answer(keys("B"));
  EXPECT_THAT(caller.get(), Gives(std::string("B")));
}

TEST_F(CredentialProviderTest, A_rejection_that_comes_late_changes_nothing) {
  begin_with(keys("A"));
  provider_.rejected(keys("older"));
  EXPECT_THAT(get(), Gives(std::string("A")));
  EXPECT_EQ(script_.load_count(), 1);
}

TEST_F(CredentialProviderTest, Rejections_bring_about_one_attempt_in_five_seconds) {
  begin_with(keys("A"));
  script_.answer(keys("A"));
  provider_.rejected(keys("A"));
  provider_.rejected(keys("A"));
  EXPECT_THAT(get(), Gives(std::string("A")));
  provider_.rejected(keys("A"));
  EXPECT_THAT(get(), Gives(std::string("A")));
  EXPECT_EQ(script_.load_count(), 2);
  clock_.advance(5s);
  script_.answer(keys("B"));
  provider_.rejected(keys("A"));
  EXPECT_THAT(get(), Gives(std::string("B")));
}

TEST_F(CredentialProviderTest, A_failed_renewal_gives_the_rejected_ones_back) {
  begin_with(keys("A"));
  script_.answer(fail(ErrorCode::kUnavailable, "no answer"));
  provider_.rejected(keys("A"));
  EXPECT_THAT(get(), Gives(std::string("A")));
  EXPECT_EQ(script_.load_count(), 2);
}

TEST_F(CredentialProviderTest, Warnings_about_failed_renewals_are_few) {
  begin_with(keys("A", 1h));
  testing::internal::CaptureStderr();
  script_.answer(fail(ErrorCode::kUnavailable, "no answer"));
  pass_to_load(55min, 2);
  for (int load = 3; load <= 12; ++load) {
    script_.answer(fail(ErrorCode::kUnavailable, "no answer"));
    pass_to_load(1min, load);
  }
  std::string log = testing::internal::GetCapturedStderr();
  std::size_t first = log.find("could not be renewed, the old ones stay in use: no answer");
  ASSERT_NE(first, std::string::npos) << log;
  std::size_t second = log.find("could not be renewed", first + 1);
  ASSERT_NE(second, std::string::npos) << log;
  EXPECT_EQ(log.find("could not be renewed", second + 1), std::string::npos) << log;
}

TEST_F(CredentialProviderTest, Close_ends_an_attempt_and_those_who_wait_for_it) {
  auto caller = std::async(std::launch::async, [&] { return get(Context().with_clock(clock_)); });
  ASSERT_TRUE(clock_.wait_for_waiters(2));
  provider_.close();
  EXPECT_THAT(caller.get(), FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(get(), FailsWith(ErrorCode::kClosed));
  provider_.close();
}

}  // namespace
}  // namespace scabbard::s3
