// Every call that an undertaking makes to the filesystem fails once, in every way: nothing is torn, lost or
// left behind, and the error says what happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <sstream>
#include <stop_token>
#include <tuple>

#include "fault/undertakings.hpp"
#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "support/whole_objects.hpp"

namespace scabbard::posix {
namespace {

// No undertaking makes more calls: a test that comes so far goes round in circles.
constexpr std::size_t kMostCalls = 400;

// Less than the limits of the store's own, so that this is the one which passes.
constexpr auto kDeadline = std::chrono::seconds(10);

using Parameter = std::tuple<Undertaking, Settings::Guard>;

class FailingCalls : public ::testing::TestWithParam<Parameter> {
 protected:
  const Undertaking& undertaking() const { return std::get<0>(GetParam()); }
  Settings::Guard guard() const { return std::get<1>(GetParam()); }

  // For n = 1, 2, ... until the n-th call is not made: runs with `fault` at it and hands over to `judge`.
  template <class Judge>
  void at_every_call(const Fault& fault, Judge judge) {
    for (std::size_t n = 1; n < kMostCalls; ++n) {
      Scene scene(undertaking(), guard());
      scene.calls().arm(n, fault);
      const Result<void> outcome = scene.run(Context());
      const auto struck = scene.calls().fault_struck();
      const bool done = !struck.has_value();
      std::ostringstream what;
      if (struck) what << "call " << n << ", " << *struck << ", error " << fault.error;
      SCOPED_TRACE(done ? "no fault" : what.str());
      scene.calls().disarm();
      if (done) {
        EXPECT_THAT(outcome, Succeeds());
        EXPECT_GT(n, 1U) << "it makes no calls through the seam";
        return;
      }
      judge(scene, *struck, outcome);
      if (HasFailure()) return;  // one is enough to see
    }
    ADD_FAILURE() << "more than " << kMostCalls << " calls";
  }
};

TEST_P(FailingCalls, Call_that_fails_tears_and_loses_nothing) {
  const std::vector<std::pair<int, std::vector<ErrorCode>>> errors = {
      {EIO, {ErrorCode::kIo}},
      {ENOSPC, {ErrorCode::kNoSpace}},
      {EDQUOT, {ErrorCode::kNoSpace}},
      // An open file that the server has forgotten was replaced.
      {ESTALE, {ErrorCode::kUnavailable, ErrorCode::kChanged}},
  };
  for (const auto& [error, codes] : errors) {
    at_every_call({.kind = Fault::Kind::kFails, .error = error},
                  [&](Scene& scene, const CallSite& struck, const Result<void>& outcome) {
                    scene.expect_whole(outcome, false);
                    if (struck.call != Call::kUnlink) scene.expect_no_leftovers();
                    if (outcome) return;
                    EXPECT_THAT(codes, ::testing::Contains(outcome.error().code)) << outcome.error().message;
                    if (outcome.error().code != ErrorCode::kChanged) {
                      EXPECT_EQ(outcome.error().system_error, error) << outcome.error().message;
                    }
                  });
    if (guard() == Settings::Guard::kAlways) break;  // the guard does not look at errors
  }
}

TEST_P(FailingCalls, Success_whose_answer_is_lost_tears_and_loses_nothing) {
  at_every_call({.kind = Fault::Kind::kFailsAfter, .error = EIO},
                [&](Scene& scene, const CallSite& struck, const Result<void>& outcome) {
                  // What the filesystem itself denies to have done nobody can tell.
                  scene.expect_whole(outcome, true);
                  if (struck.call != Call::kUnlink) scene.expect_no_leftovers();
                });
}

TEST_P(FailingCalls, Filesystem_that_fails_for_good_tears_and_loses_nothing) {
  at_every_call(
      {.kind = Fault::Kind::kFailsFromNow, .error = EIO},
      [&](Scene& scene, const CallSite&, const Result<void>& outcome) { scene.expect_whole(outcome, false); });
}

TEST_P(FailingCalls, Interrupted_call_is_made_again) {
  at_every_call({.kind = Fault::Kind::kFails, .error = EINTR},
                [&](Scene& scene, const CallSite&, const Result<void>& outcome) {
                  EXPECT_THAT(outcome, Succeeds());
                  scene.expect_whole(outcome, false);
                  scene.expect_no_leftovers();
                });
}

TEST_P(FailingCalls, Short_transfer_is_continued) {
  at_every_call({.kind = Fault::Kind::kShort}, [&](Scene& scene, const CallSite&, const Result<void>& outcome) {
    EXPECT_THAT(outcome, Succeeds());
    scene.expect_whole(outcome, false);
    scene.expect_no_leftovers();
  });
}

TEST_P(FailingCalls, Every_call_may_be_interrupted_and_every_transfer_short) {
  Scene scene(undertaking(), guard());
  scene.calls().interrupt_every_call(true);
  scene.calls().shorten_every_transfer(10'007);
  const Result<void> outcome = scene.run(Context());
  EXPECT_THAT(outcome, Succeeds());
  scene.expect_whole(outcome, false);
  scene.expect_no_leftovers();
}

TEST_P(FailingCalls, Cancellation_at_every_call_leaves_all_or_nothing) {
  std::stop_source cancel;
  const Context* context = nullptr;
  for (std::size_t n = 1; n < kMostCalls; ++n) {
    cancel = std::stop_source();
    const Context ctx = Context().with_cancel(cancel.get_token());
    context = &ctx;
    Scene scene(undertaking(), guard());
    scene.calls().arm(n, {.kind = Fault::Kind::kActs, .error = 0, .action = [&] { cancel.request_stop(); }});
    const Result<void> outcome = scene.run(*context);
    const auto struck = scene.calls().fault_struck();
    std::ostringstream what;
    if (struck) what << "cancelled in call " << n << ", " << *struck;
    SCOPED_TRACE(what.str());
    scene.expect_whole(outcome, false);
    scene.expect_no_leftovers();
    if (!struck) {
      EXPECT_THAT(outcome, Succeeds());
      return;
    }
    if (!outcome) {
      EXPECT_THAT(outcome, FailsWith(ErrorCode::kCancelled));
    }
    if (HasFailure()) return;
  }
  ADD_FAILURE() << "more than " << kMostCalls << " calls";
}

TEST_P(FailingCalls, Deadline_at_every_call_leaves_all_or_nothing) {
  for (std::size_t n = 1; n < kMostCalls; ++n) {
    ManualClock clock;
    const Context ctx = Context().with_clock(clock).with_timeout(kDeadline);
    Scene scene(undertaking(), guard(), clock);
    scene.calls().arm(n, {.kind = Fault::Kind::kActs, .error = 0, .action = [&] { clock.advance(kDeadline); }});
    const Result<void> outcome = scene.run(ctx);
    const auto struck = scene.calls().fault_struck();
    std::ostringstream what;
    if (struck) what << "deadline in call " << n << ", " << *struck;
    SCOPED_TRACE(what.str());
    scene.expect_whole(outcome, false);
    scene.expect_no_leftovers();
    if (!struck) {
      EXPECT_THAT(outcome, Succeeds());
      return;
    }
    if (!outcome) {
      EXPECT_THAT(outcome, FailsWith(ErrorCode::kDeadlineExceeded));
    }
    if (HasFailure()) return;
  }
  ADD_FAILURE() << "more than " << kMostCalls << " calls";
}

TEST(FailedList, Goes_on_where_it_was) {
  TemporaryFolder folder(TemporaryFolder::Where::kMemory);
  const std::string root = folder.string();
  FaultyFileCalls calls(kernel_calls());
  const auto store = value_of(open_store({.name = "list", .path = root, .meta = {}}, root,
                                         {.guard = Settings::Guard::kNever, .calls = &calls}));
  std::set<std::string> all;
  for (int i = 0; i < 30; ++i) {
    const std::string object = "folder" + std::to_string(i % 3) + "/" + std::to_string(i);
    all.insert(object);
    value_of(put_text(*store, {}, object, "text"));
  }
  bool struck = true;
  int failed = 0;
  for (std::size_t n = 1; struck; ++n) {
    ASSERT_LT(n, kMostCalls);
    const auto lister = value_of(store->list({}));
    calls.arm(n, {.kind = Fault::Kind::kFails, .error = EIO});
    std::multiset<std::string> listed;
    int failures = 0;
    while (true) {
      auto page = lister->next({});
      if (!page && ++failures == 1) continue;
      ASSERT_THAT(page, Succeeds());
      if (page->empty()) break;
      for (const ListEntry& entry : *page) listed.insert(entry.name);
    }
    struck = calls.fault_struck().has_value();
    calls.disarm();
    EXPECT_EQ(std::set(listed.begin(), listed.end()), all) << "call " << n;
    EXPECT_EQ(listed.size(), all.size()) << "call " << n;
    failed += failures;
  }
  EXPECT_GT(failed, 0) << "no call that failed was one that matters";
}

INSTANTIATE_TEST_SUITE_P(Posix, FailingCalls,
                         ::testing::Combine(::testing::ValuesIn(undertakings()),
                                            ::testing::Values(Settings::Guard::kNever, Settings::Guard::kAlways)),
                         [](const auto& tested) {
                           const bool guarded = std::get<1>(tested.param) == Settings::Guard::kAlways;
                           return std::get<0>(tested.param).name + (guarded ? "_guarded" : "");
                         });

}  // namespace
}  // namespace scabbard::posix
