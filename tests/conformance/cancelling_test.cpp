// Every call ends when its context does: before it began, between the calls of a reader or writer, and in
// the middle where the place can be held up.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "conformance/store_test.hpp"
#include "support/source_file.hpp"

namespace scabbard {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

template <class T>
Result<void> without_value(const Result<T>& result) {
  if (!result) return fail(result.error());
  return {};
}

// Everything that waits, on a store that holds "object"; `begin` is called with a context that does not
// end and gives what is then called with one that does.
struct Waiting {
  std::string name;
  std::function<std::function<Result<void>(const Context&)>(Store&)> begin;
};

std::vector<Waiting> all_that_waits() {
  using Call = std::function<Result<void>(const Context&)>;
  const auto simple = [](auto call) {
    return [call](Store& store) -> Call {
      return [&store, call](const Context& ctx) { return without_value(call(store, ctx)); };
    };
  };
  return {
      {"stat", simple([](Store& s, const Context& c) { return s.stat(c, "object"); })},
      {"open", simple([](Store& s, const Context& c) { return s.open(c, "object"); })},
      {"create", simple([](Store& s, const Context& c) { return s.create(c, "new/object"); })},
      {"put_file", simple([](Store& s, const Context& c) {
         const SourceFile source(to_bytes("text"));
         return s.put_file(c, "new/object", source.whole());
       })},
      {"remove", simple([](Store& s, const Context& c) { return s.remove(c, "object"); })},
      {"list", simple([](Store& s, const Context& c) { return list_names(s, c); })},
      {"space", simple([](Store& s, const Context& c) { return s.space(c); })},
      {"sweep", simple([](Store& s, const Context& c) { return s.sweep(c); })},
      {"read_queue", simple([](Store& s, const Context& c) {
         RangeRead entry{.object = "object", .into = {}, .if_version = {}, .version = {}};
         const auto read = s.read(c, {&entry, 1});
         // An entry has the error of the call that it is part of.
         if (!read && (entry.got || entry.got.error().code != read.error().code)) {
           return Result<void>(fail(ErrorCode::kInternal, "the entry has another result"));
         }
         return read;
       })},
      {"read",
       [](Store& s) -> Call {
         std::shared_ptr<Reader> reader = value_of(s.open(Context(), "object"));
         return [reader](const Context& c) {
           Bytes into(100);
           return without_value(reader->read(c, into));
         };
       }},
      {"copy_to",
       [](Store& s) -> Call {
         std::shared_ptr<Reader> reader = value_of(s.open(Context(), "object"));
         return [reader](const Context& c) {
           const SourceFile target;
           return without_value(reader->copy_to(c, target.descriptor()));
         };
       }},
      {"write",
       [](Store& s) -> Call {
         std::shared_ptr<Writer> writer = value_of(s.create(Context(), "new/object"));
         return [writer](const Context& c) { return writer->write(c, pattern_bytes(1, 20'000'000)); };
       }},
      {"finish",
       [](Store& s) -> Call {
         std::shared_ptr<Writer> writer = value_of(s.create(Context(), "new/object"));
         value_of(writer->write(Context(), to_bytes("text")));
         return [writer](const Context& c) { return without_value(writer->finish(c)); };
       }},
  };
}

TEST_P(Conformance, Calls_with_a_context_that_has_ended_fail_and_change_nothing) {
  value_of(put("object", "text"));
  std::stop_source cancelled;
  cancelled.request_stop();
  for (const Waiting& waiting : all_that_waits()) {
    for (const auto& [ended, code] : {std::pair{Context().with_cancel(cancelled.get_token()), ErrorCode::kCancelled},
                                      std::pair{Context().with_timeout(0s), ErrorCode::kDeadlineExceeded},
                                      std::pair{Context().with_timeout(-1h), ErrorCode::kDeadlineExceeded}}) {
      SCOPED_TRACE(waiting.name);
      const auto call = waiting.begin(store());
      EXPECT_THAT(call(ended), FailsWith(code));
    }
    EXPECT_THAT(names(), Gives(ElementsAre("object")));
    EXPECT_THAT(get("object"), Gives("text"));
    EXPECT_THAT(place().leftovers(), IsEmpty());
  }
}

TEST_P(Conformance, Error_of_an_ended_context_names_the_operation) {
  value_of(put("object", "text"));
  const auto late = store().stat(Context().with_timeout(0s), "object");
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, ::testing::HasSubstr("stat"));
  EXPECT_THAT(late.error().message, ::testing::HasSubstr("object"));
}

TEST_P(Conformance, Cancelled_reader_may_go_on_with_another_context) {
  const Bytes bytes = pattern_bytes(1, 100'000);
  value_of(put_bytes(store(), ctx(), "object", bytes));
  const auto reader = value_of(store().open(ctx(), "object"));
  Bytes first(1000);
  value_of(reader->read(ctx(), first));
  std::stop_source cancel;
  const Context cancellable = ctx().with_cancel(cancel.get_token());
  cancel.request_stop();
  Bytes more(1000);
  EXPECT_THAT(reader->read(cancellable, more), FailsWith(ErrorCode::kCancelled));
  EXPECT_THAT(reader->read_at(cancellable, 0, more), FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(reader->position(), 1000U);
  EXPECT_THAT(read_rest(*reader, ctx()), Gives(slice(bytes, 1000, bytes.size())));
}

TEST_P(Conformance, Deadline_in_the_middle_of_writing_leaves_the_old_object) {
  value_of(put("object", "old"));
  ManualClock clock;
  const auto timed = place().open({.clock = &clock});
  const Context limited = Context().with_clock(clock).with_timeout(10s);
  auto writer = value_of(timed->create(limited, "object"));
  value_of(writer->write(limited, pattern_bytes(1, 3'000'000)));
  clock.advance(9s);
  value_of(writer->write(limited, pattern_bytes(1, 3'000'000)));
  clock.advance(2s);
  EXPECT_THAT(writer->acquire(limited), FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_THAT(writer->write(limited, to_bytes("more")), FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_THAT(writer->finish(limited), FailsWith(ErrorCode::kDeadlineExceeded));
  writer.reset();
  EXPECT_THAT(get("object"), Gives("old"));
  EXPECT_THAT(place().leftovers(), IsEmpty());
}

TEST_P(Conformance, Cancellation_between_pages_ends_a_list) {
  for (int i = 0; i < 10; ++i) value_of(put("folder/" + std::to_string(i), "text"));
  std::stop_source cancel;
  const Context cancellable = ctx().with_cancel(cancel.get_token());
  auto lister = value_of(store().list(cancellable));
  cancel.request_stop();
  EXPECT_THAT(lister->next(cancellable), FailsWith(ErrorCode::kCancelled));
}

TEST_P(Conformance, Wait_that_was_cancelled_may_be_waited_for_again) {
  value_of(put("object", "text"));
  const auto queue = store().read_queue();
  std::vector<RangeRead> entries(100, {.object = "object", .into = {}, .if_version = {}, .version = {}});
  ASSERT_THAT(queue->submit(entries), Succeeds());
  std::stop_source cancel;
  cancel.request_stop();
  std::array<RangeRead*, 16> done{};
  std::size_t handed_back = 0;
  // What is there already may be handed back all the same.
  const auto cancelled = queue->wait(ctx().with_cancel(cancel.get_token()), done);
  if (cancelled) {
    handed_back += *cancelled;
  } else {
    EXPECT_THAT(cancelled, FailsWith(ErrorCode::kCancelled));
  }
  while (const auto count = value_of(queue->wait(ctx(), done))) handed_back += count;
  EXPECT_EQ(handed_back, entries.size());
}

// What ends with its context ends long before.
constexpr auto kPatience = 10s;

// A call that may hang for good if the store is wrong: then `unblock` is called until it ends.
template <class Call, class Unblock>
auto within_limits(Call call, Unblock unblock) {
  auto future = std::async(std::launch::async, call);
  const bool in_time = future.wait_for(kPatience) == std::future_status::ready;
  EXPECT_TRUE(in_time) << "it did not end with its context";
  while (future.wait_for(10ms) != std::future_status::ready) unblock();
  return future.get();
}

class FullPipe {
 public:
  FullPipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~FullPipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  int in() const { return ends_[1]; }

  // Until nothing more goes in: the writer is stuck.
  void wait_until_full() const {
    const int capacity = ::fcntl(ends_[0], F_GETPIPE_SZ);
    const auto until = std::chrono::steady_clock::now() + kPatience;
    int filled = 0;
    while (filled < capacity && std::chrono::steady_clock::now() < until) {
      ::ioctl(ends_[0], FIONREAD, &filled);
      std::this_thread::yield();
    }
  }
  // Takes out what is there.
  void drain() const {
    Bytes into(1 << 16);
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    while (::read(ends_[0], into.data(), into.size()) > 0) {
    }
  }

 private:
  std::array<int, 2> ends_{};
};

TEST_P(Conformance, Copy_into_a_pipe_that_nobody_reads_ends_with_its_context) {
  constexpr std::size_t kSize = 3'000'000;
  value_of(put_bytes(store(), ctx(), "object", pattern_bytes(1, kSize)));
  for (const bool cancels : {true, false}) {
    SCOPED_TRACE(cancels ? "cancelled" : "deadline");
    const auto reader = value_of(store().open(ctx(), "object"));
    const FullPipe pipe;
    std::stop_source cancel;
    const Context limited = cancels ? Context().with_cancel(cancel.get_token()) : Context().with_timeout(200ms);
    std::jthread canceller([&] {
      pipe.wait_until_full();
      if (cancels) cancel.request_stop();
    });
    const auto copied = within_limits([&] { return reader->copy_to(limited, pipe.in()); }, [&] { pipe.drain(); });
    EXPECT_THAT(copied, FailsWith(cancels ? ErrorCode::kCancelled : ErrorCode::kDeadlineExceeded));
    EXPECT_LT(reader->position(), kSize) << "the position tells how far it came";
    EXPECT_GT(reader->position(), 0U);
  }
}

// One that came between the wait for the pipe and the write once made the write wait for ever.
TEST_P(Conformance, Signal_does_not_keep_a_copy_into_a_full_pipe_from_ending) {
  value_of(put_bytes(store(), ctx(), "object", pattern_bytes(1, 3'000'000)));
  const auto reader = value_of(store().open(ctx(), "object"));
  const FullPipe pipe;
  struct sigaction before{};
  struct sigaction noted{};
  noted.sa_handler = [](int) {};
  noted.sa_flags = SA_RESTART;
  ASSERT_EQ(::sigaction(SIGUSR1, &noted, &before), 0);
  std::stop_source cancel;
  std::promise<pthread_t> copying;
  std::jthread signaller([&] {
    const pthread_t target = copying.get_future().get();
    pipe.wait_until_full();
    for (int i = 0; i < 50; ++i) {
      ::pthread_kill(target, SIGUSR1);
      std::this_thread::yield();
    }
    cancel.request_stop();
  });
  const auto copied = within_limits(
      [&] {
        copying.set_value(::pthread_self());
        auto result = reader->copy_to(Context().with_cancel(cancel.get_token()), pipe.in());
        signaller.join();  // whom it signals must be there
        return result;
      },
      [&] { pipe.drain(); });
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_THAT(copied, FailsWith(ErrorCode::kCancelled));
}

TEST_P(Conformance, Calls_that_the_place_holds_up_end_when_they_are_cancelled) {
  if (!provider().outlives_stalls) GTEST_SKIP() << "calls of this provider cannot be left behind";
  for (const Waiting& waiting : all_that_waits()) {
    SCOPED_TRACE(waiting.name);
    auto own = place().open();
    value_of(put_text(*own, ctx(), "object", "text"));
    auto call = waiting.begin(*own);
    ASSERT_TRUE(place().stall());
    std::stop_source cancel;
    std::jthread canceller([&] {
      place().wait_until_stalled(1);
      cancel.request_stop();
    });
    const auto ended =
        within_limits([&] { return call(Context().with_cancel(cancel.get_token())); }, [&] { place().release(); });
    place().release();
    EXPECT_THAT(ended, FailsWith(ErrorCode::kCancelled));
    call = {};  // gives up readers and writers
    own->close();
    own.reset();
    EXPECT_THAT(place().leftovers(), IsEmpty());
    EXPECT_THAT(get("object"), AnyOf(Gives("text"), FailsWith(ErrorCode::kNotFound)));
    EXPECT_THAT(put("object", "text"), Succeeds()) << "works again";
  }
}

TEST_P(Conformance, Calls_that_the_place_holds_up_end_at_their_deadline) {
  if (!provider().outlives_stalls) GTEST_SKIP() << "calls of this provider cannot be left behind";
  for (const Waiting& waiting : all_that_waits()) {
    SCOPED_TRACE(waiting.name);
    auto own = place().open();
    value_of(put_text(*own, ctx(), "object", "text"));
    auto call = waiting.begin(*own);
    ASSERT_TRUE(place().stall());
    const auto ended = within_limits([&] { return call(Context().with_timeout(30ms)); }, [&] { place().release(); });
    place().release();
    EXPECT_THAT(ended, FailsWith(ErrorCode::kDeadlineExceeded));
    call = {};
    own->close();
    own.reset();
    EXPECT_THAT(place().leftovers(), IsEmpty());
    EXPECT_THAT(put("object", "text"), Succeeds()) << "works again";
  }
}

}  // namespace
}  // namespace scabbard
