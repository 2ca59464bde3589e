#include "store/s3/credential_provider.hpp"

#include <fmt/core.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/log.hpp"

namespace scabbard::s3 {

using namespace std::chrono_literals;

namespace {

// A process may have to ask a person's password store, or a server far away.
constexpr auto kAttemptLimit = 1min;
constexpr auto kBeforeExpiry = 5min;
constexpr auto kLookAtFiles = 1min;
constexpr auto kBetweenAttempts = 1min;
// Between attempts that refused requests or short lives bring about, whatever the source gives.
constexpr auto kShortestPause = 5s;
// A failure is the answer for everybody who asks within this time, so that a thousand calls do not make a thousand
// attempts.
constexpr auto kFailureHolds = 1s;
constexpr auto kBetweenWarnings = 10min;
constexpr auto kPatienceAtClose = 1s;

// When to renew credentials with so much time left. Up to a fifth of the lead earlier, by chance: many processes may
// have been given theirs at the same moment.
Clock::Duration renewal_after(Clock::Duration left) {
  auto lead = std::min<Clock::Duration>(kBeforeExpiry, left / 2);
  lead += lead * ::arc4random_uniform(200) / 1000;
  return std::max<Clock::Duration>(left - lead, kShortestPause);
}

}  // namespace

struct CredentialProvider::State {
  State(std::unique_ptr<CredentialSource> from, Clock& with) : clock(with), source(std::move(from)) {}

  // The background thread's part. The mutex is held, but for attempt().
  Clock::Time next_event() const;
  bool is_due() const;
  Result<Credentials> attempt(std::string& fingerprint);
  void take(Result<Credentials> result, std::string fingerprint);
  void keep_old(const Error& why);

  Clock& clock;
  const std::unique_ptr<CredentialSource> source;  // used by the thread alone
  std::stop_source stop;

  mutable std::mutex mutex;
  std::condition_variable_any changed;
  std::shared_ptr<const Credentials> current;
  std::optional<Error> failure;         // of the last attempt
  Clock::Time failure_holds_until;      // for those who ask
  std::optional<Clock::Time> renew_at;  // empty: the credentials do not expire
  std::optional<Clock::Time> rejected_at;
  std::optional<Clock::Time> warned_at;
  std::string fingerprint;  // of what the last attempt read
  bool started = false;
  bool wanted = false;   // somebody waits for an attempt
  bool refused = false;  // `current` was rejected, and the attempt to renew it is not over
  bool closed = false;
};

Clock::Time CredentialProvider::State::next_event() const {
  Clock::Time look = clock.now() + kLookAtFiles;
  return renew_at ? std::min(*renew_at, look) : look;
}

bool CredentialProvider::State::is_due() const { return wanted || (renew_at && clock.now() >= *renew_at); }

Result<Credentials> CredentialProvider::State::attempt(std::string& read) {
  read = source->fingerprint();
  return source->load(Context().with_clock(clock).with_cancel(stop.get_token()).with_timeout(kAttemptLimit));
}

void CredentialProvider::State::take(Result<Credentials> result, std::string read) {
  fingerprint = std::move(read);
  wanted = false;
  refused = false;
  failure.reset();
  renew_at.reset();
  if (!result) {
    failure = result.error();
    failure_holds_until = clock.now() + kFailureHolds;
    if (current) keep_old(result.error());
  } else {
    // The wall clock is read once; after that the steady one counts, which nobody sets.
    if (result->expires) {
      auto left = std::chrono::duration_cast<Clock::Duration>(*result->expires - std::chrono::system_clock::now());
      renew_at = clock.now() + (left > 0s ? renewal_after(left) : Clock::Duration(kBetweenAttempts));
    }
    current = std::make_shared<const Credentials>(std::move(*result));
  }
  changed.notify_all();
}

void CredentialProvider::State::keep_old(const Error& why) {
  renew_at = clock.now() + kBetweenAttempts;
  if (warned_at && clock.now() < *warned_at + kBetweenWarnings) return;
  warned_at = clock.now();
  log::warn("credentials could not be renewed, the old ones stay in use: {}", why.message);
}

CredentialProvider::CredentialProvider(std::unique_ptr<CredentialSource> source, Clock& clock)
    : state_(std::make_shared<State>(std::move(source), clock)) {}

CredentialProvider::~CredentialProvider() { close(); }

void CredentialProvider::run(const std::shared_ptr<State>& shared) {
  State& state = *shared;
  std::unique_lock lock(state.mutex);
  Context forever = Context().with_clock(state.clock).with_cancel(state.stop.get_token());
  while (!state.closed) {
    if (!state.is_due()) {
      forever.with_deadline(state.next_event()).wait(lock, state.changed, [&] {
        return state.closed || state.is_due();
      });
    }
    bool due = state.is_due();
    std::string before = state.fingerprint;
    lock.unlock();
    if (due || state.source->fingerprint() != before) {
      std::string read;
      auto result = state.attempt(read);
      lock.lock();
      if (!state.closed) state.take(std::move(result), std::move(read));
    } else {
      lock.lock();
    }
  }
}

Result<std::shared_ptr<const Credentials>> CredentialProvider::get(const Context& ctx) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  if (!state.started && !state.closed) {
    state.started = thread_.post([shared = state_] { run(shared); });
    if (!state.started) return fail(ErrorCode::kInternal, "get credentials: the system gives no thread");
  }
  bool failure_holds = state.failure && state.clock.now() < state.failure_holds_until;
  if (!state.current && !failure_holds) {
    state.wanted = true;
    state.changed.notify_all();
  }
  auto known = [&] { return state.closed || (state.current && !state.refused) || (state.failure && !state.wanted); };
  if (auto ended = ctx.wait(lock, state.changed, known)) {
    return fail(*ended, fmt::format("wait for credentials: {}", to_string(*ended)));
  }
  if (state.closed) return fail(ErrorCode::kClosed, "get credentials: the store is closed");
  if (!state.current) return fail(*state.failure);
  return state.current;
}

std::shared_ptr<const Credentials> CredentialProvider::current() const {
  std::lock_guard lock(state_->mutex);
  return state_->current;
}

void CredentialProvider::rejected(const Credentials& credentials) {
  State& state = *state_;
  std::lock_guard lock(state.mutex);
  if (!state.current || *state.current != credentials || state.refused) return;
  if (state.rejected_at && state.clock.now() < *state.rejected_at + kShortestPause) return;
  state.rejected_at = state.clock.now();
  state.refused = true;
  state.wanted = true;
  state.changed.notify_all();
}

void CredentialProvider::close() {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->closed) return;
    state_->closed = true;
    state_->changed.notify_all();
  }
  state_->stop.request_stop();
  thread_.stop(kPatienceAtClose);
}

}  // namespace scabbard::s3
