// A store on a mount that stops answering: every call ends in time, threads stay bounded, nothing is torn or
// leaked, and the store is back when the mount is.
//
// A call may take its store's Timeout and kMargin: two busy processors, sanitizers, and the 250 ms for which
// one caller in a while asks whether the mount is back. Closing grants stuck threads 500 ms beyond that.
#include "fault/frozen_mount.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "scabbard/store.hpp"
#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kTimeout = 400ms;
constexpr auto kMargin = 1000ms;
constexpr auto kClosing = 500ms;
// The 5 s that the look for a sectorstore.json is granted, whatever Timeout says, and its closing.
constexpr auto kOpening = 5s + kClosing + kTimeout;
// Far over everything: what ends in it was ended by something else.
constexpr auto kLongTimeout = 60s;
constexpr auto kDeadline = 200ms;
constexpr auto kCancelMargin = 100ms;
// A frozen store has at most this many threads of its own, and as many for its read queues.
constexpr std::size_t kGuardThreads = 32;
constexpr std::size_t kQueueThreads = 16;
// Watchdog, sampler and the like.
constexpr std::size_t kOtherThreads = 4;
constexpr std::size_t kCallers = 128;
constexpr auto kRecovery = 10s;
constexpr auto kPause = 5ms;

const Bytes& small_object() {
  static const Bytes bytes = pattern_bytes(1, 4096);
  return bytes;
}
const Bytes& big_object() {
  static const Bytes bytes = pattern_bytes(2, std::size_t{3} << 20);
  return bytes;
}

template <class Condition>
bool eventually(Condition condition, steady_clock::duration bound = kRecovery) {
  const auto end = steady_clock::now() + bound;
  while (!condition()) {
    if (steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

std::size_t entries_of(const char* folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}
std::size_t descriptors() { return entries_of("/proc/self/fd"); }
std::size_t threads() { return entries_of("/proc/self/task"); }

template <class T>
Result<void> outcome(Result<T> result) {
  if (!result) return fail(std::move(result).error());
  return {};
}

/// What something took.
template <class Run>
auto time_of(Run run) {
  const auto start = steady_clock::now();
  run();
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start);
}

class FrozenMountTest : public ::testing::Test {
 protected:
  void SetUp() override { mount_and_fill(FrozenMount::Remains::kNothing); }

  void TearDown() override {
    store_.reset();
    EXPECT_FALSE(mount_.watchdog_struck()) << "a call hung until the watchdog killed the mount";
  }

  void mount_and_fill(FrozenMount::Remains remains) {
    if (!mount_.mount(remains)) GTEST_SKIP() << mount_.problem();
    store_ = open(kTimeout);
    put_bytes_or_throw("small", small_object());
    put_bytes_or_throw("big", big_object());
    descriptors_before_ = descriptors();
  }

  std::shared_ptr<Store> open(std::chrono::milliseconds timeout) {
    return value_of(open_store(
        {.name = "frozen", .path = mount_.path(), .meta = {{"Timeout", std::to_string(timeout.count()) + "ms"}}}));
  }
  std::shared_ptr<Store> open_local(std::chrono::milliseconds timeout) {
    return value_of(open_store(
        {.name = "local", .path = local_.string(), .meta = {{"Timeout", std::to_string(timeout.count()) + "ms"}}}));
  }

  void put_bytes_or_throw(std::string_view object, const Bytes& bytes) {
    std::ignore = value_of(put_bytes(*store_, {}, object, bytes));
  }

  /// Thaws and waits until the store answers again.
  void thaw() {
    mount_.thaw();
    if (mount_.watchdog_struck()) throw UnexpectedFailure("a call hung until the watchdog killed the mount");
    ASSERT_TRUE(eventually([&] { return store_->stat({}, "small").has_value(); })) << "the store does not recover";
  }

  std::vector<std::string> temporaries() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(mount_.backing())) {
      if (entry.path().filename().string().starts_with(".scabbard-tmp-")) found.push_back(entry.path());
    }
    return found;
  }

  /// Once readers, writers and queues are gone.
  void expect_nothing_left() {
    EXPECT_TRUE(eventually([&] { return descriptors() <= descriptors_before_; }))
        << descriptors() << " descriptors, " << descriptors_before_ << " before the freeze";
    // A call that was left behind may still be at its clean-up.
    EXPECT_TRUE(eventually([&] { return store_->sweep({}).has_value() && temporaries().empty(); }))
        << ::testing::PrintToString(temporaries());
    expect_object(*store_, "small", small_object());
    expect_object(*store_, "big", big_object());
  }

  static void expect_object(Store& store, std::string_view object, const Bytes& expected) {
    auto found = get_bytes(store, {}, object);
    ASSERT_THAT(found, Succeeds());
    EXPECT_EQ(describe_difference(expected, *found), "equal") << object;
  }

  /// Returns once a call hangs in the mount, where that can be seen.
  void wait_for_hanging_call() {
    eventually([&] { return mount_.calls_waiting().value_or(1) > 0; });
  }

  FrozenMount mount_;
  TemporaryFolder local_;
  std::shared_ptr<Store> store_;
  std::size_t descriptors_before_ = 0;
};

// --- every operation ---------------------------------------------------------------------------------

/// One call on a store, all it needs beforehand done.
using Action = std::function<Result<void>(const Context&)>;

/// A file that the caller has open.
class CallersFile {
 public:
  explicit CallersFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  ~CallersFile() { ::close(descriptor_); }
  CallersFile(const CallersFile&) = delete;
  CallersFile& operator=(const CallersFile&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

struct Scene {
  Store& store;
  Store& local;
  const std::filesystem::path& folder;  // local
  // Kept until the mount is thawed: our own close() would hang.
  std::vector<std::shared_ptr<CallersFile>>& files;
};

struct Operation {
  const char* name;
  Action (*prepare)(Scene& scene);
};

std::string fresh_name() {
  static std::atomic<unsigned> next = 0;
  return "fresh/" + std::to_string(next++);
}

Action prepare_stat(Scene& scene) {
  return [&store = scene.store](const Context& ctx) { return outcome(store.stat(ctx, "small")); };
}

Action prepare_open(Scene& scene) {
  return [&store = scene.store](const Context& ctx) { return outcome(store.open(ctx, "small")); };
}

template <std::size_t length>
Action prepare_read_at(Scene& scene) {
  std::shared_ptr<Reader> reader = value_of(scene.store.open({}, "big"));
  return [reader](const Context& ctx) {
    Bytes into(length);
    return outcome(reader->read_at(ctx, 4096, into));
  };
}

Action prepare_sequential_read(Scene& scene) {
  std::shared_ptr<Reader> reader = value_of(scene.store.open({}, "big"));
  Bytes begin(1000);
  std::ignore = value_of(reader->read({}, begin));
  return [reader](const Context& ctx) { return outcome(read_rest(*reader, ctx)); };
}

Action prepare_copy_to(Scene& scene) {
  std::shared_ptr<Reader> reader = value_of(scene.store.open({}, "big"));
  auto file = std::make_shared<CallersFile>(scene.folder / "copy");
  return [reader, file](const Context& ctx) { return outcome(reader->copy_to(ctx, file->get())); };
}

Action prepare_create(Scene& scene) {
  return [&store = scene.store, name = fresh_name()](const Context& ctx) { return outcome(store.create(ctx, name)); };
}

Action prepare_commit(Scene& scene) {
  std::shared_ptr<Writer> writer = value_of(scene.store.create({}, fresh_name()));
  return [writer](const Context& ctx) { return writer->write(ctx, big_object()); };
}

Action prepare_finish(Scene& scene) {
  std::shared_ptr<Writer> writer = value_of(scene.store.create({}, fresh_name()));
  value_of(writer->write({}, small_object()));
  return [writer](const Context& ctx) { return outcome(writer->finish(ctx)); };
}

Action prepare_put_file(Scene& scene) {
  auto file = std::make_shared<CallersFile>(scene.folder / "source");
  std::ignore = ::pwrite(file->get(), small_object().data(), small_object().size(), 0);
  return [&store = scene.store, file, name = fresh_name()](const Context& ctx) {
    return outcome(store.put_file(ctx, name, {.descriptor = file->get(), .length = small_object().size()}));
  };
}

Action prepare_put_file_from_there(Scene& scene) {
  auto file = scene.files.emplace_back(std::make_shared<CallersFile>(scene.store.location("small")));
  return [&local = scene.local, file](const Context& ctx) {
    return outcome(local.put_file(ctx, "copy", {.descriptor = file->get(), .length = small_object().size()}));
  };
}

Action prepare_copy_from_there(Scene& scene) {
  return [&local = scene.local, &store = scene.store](const Context& ctx) {
    return outcome(local.copy_from(ctx, "copy", store, "small"));
  };
}

Action prepare_remove(Scene& scene) {
  const std::string name = fresh_name();
  std::ignore = value_of(put_text(scene.store, {}, name, "to be removed"));
  return [&store = scene.store, name](const Context& ctx) { return store.remove(ctx, name); };
}

Action prepare_list(Scene& scene) {
  return [&store = scene.store](const Context& ctx) { return outcome(list_names(store, ctx)); };
}

Action prepare_sweep(Scene& scene) {
  return [&store = scene.store](const Context& ctx) { return outcome(store.sweep(ctx)); };
}

Action prepare_queued_reads(Scene& scene) {
  return [&store = scene.store](const Context& ctx) -> Result<void> {
    constexpr std::size_t kEntries = 1000;
    std::vector<Bytes> memory(kEntries, Bytes(64));
    std::vector<RangeRead> entries(kEntries);
    for (std::size_t i = 0; i < kEntries; ++i) {
      entries[i].object = i % 2 == 0 ? "small" : "big";  // never two neighbours of one object
      entries[i].into = memory[i];
    }
    if (auto read = store.read(ctx, entries); !read) return read;
    for (RangeRead& entry : entries) {
      if (entry.got.has_value() != entries.front().got.has_value()) {
        return fail(ErrorCode::kInternal, "some entries were read and some not");
      }
    }
    return outcome(std::move(entries.front().got));
  };
}

/// What the names of parameterized tests are made of.
void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

constexpr Operation kOperations[] = {
    {"stat", prepare_stat},
    {"open", prepare_open},
    {"read_at", prepare_read_at<100>},
    {"read_of_1_MiB", prepare_read_at<std::size_t{1} << 20>},
    {"sequential_read", prepare_sequential_read},
    {"copy_to", prepare_copy_to},
    {"create", prepare_create},
    {"commit", prepare_commit},
    {"finish", prepare_finish},
    {"put_file", prepare_put_file},
    {"put_file_from_there", prepare_put_file_from_there},
    {"copy_from_there", prepare_copy_from_there},
    {"remove", prepare_remove},
    {"list", prepare_list},
    {"sweep", prepare_sweep},
    {"queued_reads", prepare_queued_reads},
};

class FrozenOperation : public FrozenMountTest, public ::testing::WithParamInterface<Operation> {
 protected:
  Action prepare() {
    if (!other_) other_ = open_local(timeout_);
    Scene scene{.store = *store_, .local = *other_, .folder = local_.path(), .files = files_};
    return GetParam().prepare(scene);
  }
  bool is_put_of_another_store() const { return GetParam().prepare == prepare_put_file_from_there; }

  void use_timeout(std::chrono::milliseconds timeout) {
    timeout_ = timeout;
    store_ = open(timeout);
  }

  std::chrono::milliseconds timeout_ = kTimeout;
  std::shared_ptr<Store> other_;
  std::vector<std::shared_ptr<CallersFile>> files_;
};

TEST_P(FrozenOperation, Is_unavailable_within_the_timeout_then_at_once_and_works_when_thawed) {
  Action first = prepare();
  Action second = prepare();
  Action third = prepare();
  mount_.freeze();

  Result<void> result;
  EXPECT_LT(time_of([&] { result = first({}); }), kTimeout + kMargin);
  EXPECT_THAT(result, FailsWith(ErrorCode::kUnavailable));
  if (!is_put_of_another_store()) {  // which knows nothing of the frozen one
    EXPECT_THAT(result, FailsSaying(ErrorCode::kUnavailable, "not answering since"));
    // The second finds out that the store is out, the third that somebody has just asked.
    std::ignore = store_->stat({}, "small");
    EXPECT_LT(time_of([&] { result = second({}); }), kTimeout / 2);
    EXPECT_THAT(result, FailsSaying(ErrorCode::kUnavailable, "not answering since"));
  }

  thaw();
  EXPECT_THAT(third({}), Succeeds());
  first = second = third = {};
  files_.clear();
  expect_nothing_left();
}

TEST_P(FrozenOperation, Ends_at_the_deadline_of_its_context) {
  use_timeout(kLongTimeout);
  Action action = prepare();
  mount_.freeze();
  Result<void> result;
  EXPECT_LT(time_of([&] { result = action(Context().with_timeout(kDeadline)); }), kDeadline + kMargin);
  EXPECT_THAT(result, FailsWith(ErrorCode::kDeadlineExceeded));
  // Whatever of it is destroyed now must not wait for the mount either, beyond what clean-up is granted.
  EXPECT_LT(time_of([&] { action = {}; }), 2s + kMargin);
  thaw();
  files_.clear();
  expect_nothing_left();
}

TEST_P(FrozenOperation, Ends_when_cancelled) {
  use_timeout(kLongTimeout);
  Action action = prepare();
  mount_.freeze();
  std::stop_source source;
  Result<void> result;
  steady_clock::time_point ended;
  std::thread caller([&] {
    result = action(Context().with_cancel(source.get_token()));
    ended = steady_clock::now();
  });
  wait_for_hanging_call();
  const auto cancelled = steady_clock::now();
  source.request_stop();
  caller.join();
  EXPECT_LT(ended - cancelled, kCancelMargin);
  EXPECT_THAT(result, FailsWith(ErrorCode::kCancelled));
  thaw();
  action = {};
  files_.clear();
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Each, FrozenOperation, ::testing::ValuesIn(kOperations),
                         [](const auto& each) { return std::string(each.param.name); });

// Sectors on other disks by links: what they lead to can hang though the store's own folder cannot.
TEST_F(FrozenMountTest, Local_store_that_links_to_the_mount_is_guarded_as_well) {
  const auto link = local_ / "link";
  std::filesystem::create_symlink(std::filesystem::path(mount_.path()) / "small", link);
  for (const bool swept : {false, true}) {
    const auto local = open_local(kTimeout);
    ASSERT_TRUE(local->capabilities().immediate);
    if (swept) {
      EXPECT_THAT(local->sweep({}), Succeeds());
    } else {
      expect_object(*local, "link", small_object());
    }
    EXPECT_FALSE(local->capabilities().immediate);
    mount_.freeze();
    Result<void> result;
    EXPECT_LT(time_of([&] { result = outcome(local->stat({}, "link")); }), kTimeout + kMargin);
    EXPECT_THAT(result, FailsWith(ErrorCode::kUnavailable));
    thaw();
  }
}

TEST_F(FrozenMountTest, Short_queue_ends_with_its_context_behind_a_long_one) {
  constexpr std::size_t kEntries = 1000;
  std::vector<RangeRead> many(kEntries);
  for (std::size_t i = 0; i < kEntries; ++i) many[i].object = i % 2 == 0 ? "small" : "big";
  const auto store = open(kLongTimeout);
  mount_.freeze();
  const auto queue = store->read_queue();
  ASSERT_THAT(queue->submit(many), Succeeds());
  wait_for_hanging_call();
  RangeRead one;
  one.object = "small";
  Result<void> result;
  EXPECT_LT(time_of([&] { result = store->read(Context().with_timeout(kDeadline), {&one, 1}); }), kDeadline + kMargin);
  EXPECT_THAT(result, FailsWith(ErrorCode::kDeadlineExceeded));
  EXPECT_LT(time_of([&] { queue->cancel(); }), kMargin);
  thaw();
}

// What a store is its folder says, also when that does not answer at first.
TEST_F(FrozenMountTest, Store_opened_on_the_frozen_mount_is_what_its_sectorstore_json_says_once_that_is_read) {
  const TemporaryFolder elsewhere;
  const auto describe = [&](std::string_view rest) {
    std::ofstream(mount_.backing() / "sectorstore.json") << R"({"PluginName":"scabbard")" << rest << "}";
  };
  struct Case {
    std::string rest;
    bool read_only;
    std::filesystem::path objects;
  };
  for (const Case& c : {Case{"", false, mount_.backing()}, Case{R"(,"ReadOnly":true)", true, mount_.backing()},
                        Case{R"(,"Meta":{"Url":"file://)" + elsewhere.string() + "\"}", false, elsewhere.path()}}) {
    SCOPED_TRACE(c.rest);
    describe(c.rest);
    std::ofstream(c.objects / "known") << "text";
    mount_.freeze();
    const auto another = open(kTimeout);
    EXPECT_THAT(another->stat({}, "known"), FailsWith(ErrorCode::kUnavailable));
    EXPECT_THAT(put_text(*another, {}, "new", "text"), FailsWith(ErrorCode::kUnavailable));
    RangeRead entry;
    entry.object = "known";
    EXPECT_THAT(another->read({}, {&entry, 1}), FailsWith(ErrorCode::kUnavailable));
    thaw();
    EXPECT_TRUE(eventually([&] { return another->stat({}, "known").has_value(); }));
    const auto written = put_text(*another, {}, "new", "text");
    EXPECT_EQ(std::filesystem::exists(c.objects / "new"), !c.read_only);
    if (c.read_only) {
      EXPECT_THAT(written, FailsWith(ErrorCode::kReadOnly));
      EXPECT_TRUE(value_of(another->space({})).read_only);
    }
    std::filesystem::remove(c.objects / "new");
  }
}

// The manager asks under a lock that all its stores share.
TEST_F(FrozenMountTest, Space_is_answered_at_once_as_last_known_until_the_store_is_out) {
  const Space known = value_of(store_->space({}));
  mount_.freeze();
  Result<Space> asked = known;
  EXPECT_LT(time_of([&] { asked = store_->space({}); }), 250ms + kMargin);
  ASSERT_THAT(asked, Succeeds());
  EXPECT_EQ(asked->total, known.total);
  EXPECT_THAT(store_->stat({}, "small"), FailsWith(ErrorCode::kUnavailable));
  EXPECT_LT(time_of([&] { asked = store_->space({}); }), 250ms + kMargin);
  EXPECT_THAT(asked, FailsSaying(ErrorCode::kUnavailable, "not answering since"));
  thaw();
  EXPECT_THAT(store_->space({}), Succeeds());
}

// --- many callers ------------------------------------------------------------------------------------

TEST_F(FrozenMountTest, Threads_stay_bounded_under_128_callers) {
  const std::size_t before = threads();
  const std::size_t most = before + kCallers + kGuardThreads + kQueueThreads + kOtherThreads;
  mount_.freeze();
  std::atomic<std::size_t> seen = 0;
  std::atomic<std::int64_t> slowest = 0;
  std::atomic<int> others = 0;
  std::barrier together(static_cast<std::ptrdiff_t>(kCallers));
  {
    std::vector<std::jthread> callers;
    for (std::size_t i = 0; i < kCallers; ++i) {
      callers.emplace_back([&, i] {
        together.arrive_and_wait();
        for (int round = 0; round < 10; ++round) {
          Result<void> result;
          const auto took = time_of([&] {
            if (i % 3 == 0) {
              result = outcome(store_->stat({}, "small"));
            } else if (i % 3 == 1) {
              result = outcome(get_bytes(*store_, {}, "big"));
            } else {
              result = outcome(put_bytes(*store_, {}, "new/" + std::to_string(i), small_object()));
            }
          });
          for (auto was = slowest.load(); was < took.count() && !slowest.compare_exchange_weak(was, took.count());) {
          }
          if (result || result.error().code != ErrorCode::kUnavailable) ++others;
          const std::size_t now = threads();
          for (auto was = seen.load(); was < now && !seen.compare_exchange_weak(was, now);) {
          }
        }
      });
    }
  }
  EXPECT_LE(seen, most);
  EXPECT_LT(std::chrono::milliseconds(slowest), kTimeout + kMargin);
  EXPECT_EQ(others, 0) << "calls that did not fail with kUnavailable";
  thaw();
  EXPECT_LE(threads(), before + kGuardThreads + kQueueThreads);
  expect_nothing_left();
}

// Objects that threads replace over and over until the mount is frozen. Each thread has an object of its own.
class Replacing {
 public:
  Replacing(Store& store, const FrozenMount& mount, std::size_t count) : mount_(mount), objects_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      threads_.emplace_back([this, &store, i] { replace(store, i); });
    }
  }

  static std::string name(std::size_t i) { return "replaced/" + std::to_string(i); }
  static Bytes content(std::size_t i, std::uint64_t version) {
    return pattern_bytes(1000 + i * 100'000 + version, 200'000 + 1000 * (version % 7));
  }

  bool wait_for_first_versions() const {
    return eventually(
        [&] { return std::ranges::all_of(objects_, [](const Object& o) { return o.acknowledged > 0; }); });
  }
  /// A try that fails from here on is its object's last. Before, it is a disk that is slower than the store's
  /// Timeout, and done again.
  void expect_freeze() { freeze_expected_ = true; }
  void join() { threads_.clear(); }

  void expect_old_or_new_whole(Store& store) {
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      EXPECT_THAT(objects_[i].result, FailsWith(ErrorCode::kUnavailable));
      EXPECT_LT(objects_[i].took, kTimeout + kMargin) << objects_[i].result.error().message;
      auto found = get_bytes(store, {}, name(i));
      ASSERT_THAT(found, Succeeds());
      const std::uint64_t acknowledged = objects_[i].acknowledged;
      EXPECT_TRUE(*found == content(i, acknowledged) || *found == content(i, acknowledged + 1))
          << name(i) << " is neither version " << acknowledged << " nor the next";
    }
  }

 private:
  struct Object {
    std::atomic<std::uint64_t> acknowledged = 0;  // the last version
    Result<void> result;
    std::chrono::milliseconds took{0};  // of the last try
  };

  void replace(Store& store, std::size_t i) {
    Object& object = objects_[i];
    do {
      const Bytes bytes = content(i, object.acknowledged + 1);
      object.took = time_of([&] { object.result = outcome(put_bytes(store, {}, name(i), bytes)); });
      if (object.result) ++object.acknowledged;
    } while ((object.result || !freeze_expected_) && !mount_.watchdog_struck());
  }

  const FrozenMount& mount_;
  std::atomic<bool> freeze_expected_ = false;
  std::vector<Object> objects_;
  std::vector<std::jthread> threads_;
};

TEST_F(FrozenMountTest, A_freeze_amid_many_calls_ends_all_and_leaves_objects_old_or_new_whole) {
  for (int round = 0; round < 3; ++round) {
    Replacing replacing(*store_, mount_, 16);
    std::atomic<int> slow = 0;
    std::vector<std::jthread> statting;
    for (int i = 0; i < 16; ++i) {
      statting.emplace_back([&] {
        Result<void> result;
        do {
          if (time_of([&] { result = outcome(store_->stat({}, "small")); }) > kTimeout + kMargin) ++slow;
        } while (result && !mount_.watchdog_struck());
      });
    }
    EXPECT_TRUE(replacing.wait_for_first_versions());
    replacing.expect_freeze();
    mount_.freeze();
    replacing.join();
    statting.clear();
    EXPECT_EQ(slow, 0) << "stats over the limit";
    if (mount_.watchdog_struck()) return;
    // All have seen their call hang: the state is known by now, and one call at most asks whether that is over.
    std::chrono::milliseconds quicker = kLongTimeout;
    for (int call = 0; call < 2; ++call) {
      Result<void> result;
      quicker = std::min(quicker, time_of([&] { result = outcome(store_->stat({}, "small")); }));
      EXPECT_THAT(result, FailsSaying(ErrorCode::kUnavailable, "not answering since"));
    }
    EXPECT_LT(quicker, kTimeout / 2);
    thaw();
    replacing.expect_old_or_new_whole(*store_);
    expect_nothing_left();
  }
}

TEST_F(FrozenMountTest, Another_store_keeps_its_speed) {
  auto healthy = open_local(kTimeout);
  auto batch = [&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_THAT(put_bytes(*healthy, {}, "object", small_object()), Succeeds());
      for (int j = 0; j < 50; ++j) EXPECT_THAT(healthy->stat({}, "object"), Succeeds());
      expect_object(*healthy, "object", small_object());
    }
  };
  const auto alone = time_of(batch);
  mount_.freeze();
  std::chrono::milliseconds beside{0};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 16; ++i) {
      callers.emplace_back([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) std::ignore = get_bytes(*store_, Context().with_timeout(50ms), "big");
      });
    }
    wait_for_hanging_call();
    beside = time_of(batch);
  }
  // The factor is the noise of a shared machine; one call that waited for the other store would be over it.
  EXPECT_LT(beside, 3 * alone + kTimeout / 2);
  thaw();
  expect_nothing_left();
}

// --- the caller's memory -----------------------------------------------------------------------------

TEST_F(FrozenMountTest, A_read_that_was_left_behind_does_not_touch_the_callers_memory) {
  auto reader = value_of(store_->open({}, "big"));
  Bytes into(std::size_t{1} << 20);
  Bytes queued(4096);
  RangeRead entry;
  entry.object = "big";
  entry.into = queued;
  mount_.freeze();
  EXPECT_THAT(reader->read_at({}, 0, into), FailsWith(ErrorCode::kUnavailable));
  EXPECT_THAT(store_->read({}, {&entry, 1}), Succeeds());
  EXPECT_THAT(entry.got, FailsWith(ErrorCode::kUnavailable));
  const Bytes mine = pattern_bytes(3, into.size());
  into = mine;
  queued = slice(mine, 0, queued.size());
  thaw();
  reader.reset();
  expect_nothing_left();  // all that was left behind is done by now
  EXPECT_TRUE(into == mine);
  EXPECT_TRUE(queued == slice(mine, 0, queued.size()));
}

// --- closing and destroying --------------------------------------------------------------------------

TEST_F(FrozenMountTest, Destroying_a_reader_a_writer_and_a_queue_does_not_hang) {
  auto reader = value_of(store_->open({}, "big"));
  auto writer = value_of(store_->create({}, "given-up"));
  value_of(writer->write({}, big_object()));
  auto queue = store_->read_queue();
  std::vector<RangeRead> entries(100);
  for (auto& entry : entries) entry.object = "small";
  mount_.freeze();
  value_of(queue->submit(entries));
  wait_for_hanging_call();
  EXPECT_LT(time_of([&] { queue.reset(); }), kTimeout + kMargin);
  EXPECT_LT(time_of([&] { reader.reset(); }), kTimeout + kMargin);
  EXPECT_LT(time_of([&] { writer.reset(); }), kTimeout + kMargin);
  thaw();
  expect_nothing_left();
  EXPECT_THAT(store_->stat({}, "given-up"), FailsWith(ErrorCode::kNotFound));
}

TEST_F(FrozenMountTest, Destroying_the_store_first_does_not_hang) {
  auto store = open(kLongTimeout);
  auto reader = value_of(store->open({}, "big"));
  auto writer = value_of(store->create({}, "given-up"));
  value_of(writer->write({}, big_object()));
  auto queue = store->read_queue();
  std::vector<RangeRead> entries(100);
  for (auto& entry : entries) entry.object = "small";
  mount_.freeze();
  value_of(queue->submit(entries));
  wait_for_hanging_call();
  const auto took = time_of([&] {
    store.reset();
    queue.reset();
    reader.reset();
    writer.reset();
  });
  EXPECT_LT(took, 2s + 2s + kClosing + kMargin);  // 2 s for the clean-up of each of reader and writer
  thaw();
  expect_nothing_left();
}

TEST_F(FrozenMountTest, Close_ends_calls_under_way_at_once) {
  auto store = open(kLongTimeout);
  auto reader = value_of(store->open({}, "big"));
  mount_.freeze();
  Bytes into(100);
  Result<void> read;
  Result<void> stat;
  Result<void> queued;
  std::jthread reading([&] { read = outcome(reader->read_at({}, 0, into)); });
  std::jthread statting([&] { stat = outcome(store->stat({}, "small")); });
  std::jthread queueing([&] {
    RangeRead entry;
    entry.object = "small";
    queued = store->read({}, {&entry, 1});
    if (queued) queued = outcome(std::move(entry.got));
  });
  wait_for_hanging_call();
  const auto took = time_of([&] {
    store->close();
    reading.join();
    statting.join();
    queueing.join();
  });
  EXPECT_LT(took, kClosing + kMargin);
  EXPECT_THAT(read, FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(stat, FailsWith(ErrorCode::kClosed));
  EXPECT_THAT(queued, FailsWith(ErrorCode::kClosed));
  thaw();
  reader.reset();
  expect_nothing_left();
}

TEST_F(FrozenMountTest, What_outlives_a_closed_store_is_destroyed_without_hanging) {
  auto store = open(kTimeout);
  auto reader = value_of(store->open({}, "big"));
  auto writer = value_of(store->create({}, "given-up"));
  value_of(writer->write({}, big_object()));
  mount_.freeze();
  EXPECT_LT(time_of([&] { store->close(); }), kClosing + kMargin);
  EXPECT_LT(time_of([&] { reader.reset(); }), kTimeout + kMargin);
  EXPECT_LT(time_of([&] { writer.reset(); }), kTimeout + kMargin);
  EXPECT_LT(time_of([&] { store.reset(); }), kClosing + kMargin);
  thaw();
  expect_nothing_left();
}

// --- opening -----------------------------------------------------------------------------------------

TEST_F(FrozenMountTest, Another_store_opens_on_the_frozen_mount_and_works_when_it_is_thawed) {
  mount_.freeze();
  std::shared_ptr<Store> another;
  EXPECT_LT(time_of([&] { another = open(kTimeout); }), kOpening + kMargin);
  Result<void> result;
  EXPECT_LT(time_of([&] { result = outcome(another->stat({}, "small")); }), kTimeout + kMargin);
  EXPECT_THAT(result, FailsWith(ErrorCode::kUnavailable));
  thaw();
  EXPECT_TRUE(eventually([&] { return another->stat({}, "small").has_value(); }));
  expect_object(*another, "big", big_object());
  another.reset();
  expect_nothing_left();
}

// --- mounts that come, go and die --------------------------------------------------------------------

class ReplacedMountTest : public FrozenMountTest {
 protected:
  void SetUp() override { mount_and_fill(FrozenMount::Remains::kDeadMount); }
  void mount_again() { ASSERT_TRUE(mount_.mount(FrozenMount::Remains::kDeadMount)) << mount_.problem(); }

  void expect_frozen_stat_ends() {
    mount_.freeze();
    Result<void> result;
    EXPECT_LT(time_of([&] { result = outcome(store_->stat({}, "small")); }), kTimeout + kMargin);
    EXPECT_THAT(result, FailsWith(ErrorCode::kUnavailable));
    thaw();
  }
};

TEST_F(ReplacedMountTest, A_dead_mount_is_unavailable_at_once_and_the_store_works_after_a_remount) {
  auto reader = value_of(store_->open({}, "big"));
  auto writer = value_of(store_->create({}, "given-up"));
  value_of(writer->write({}, small_object()));
  mount_.kill();

  const auto took = time_of([&] {
    const auto dead = FailsSaying(ErrorCode::kUnavailable, "the mount is dead");
    Bytes into(100);
    RangeRead entry;
    entry.object = "small";
    EXPECT_THAT(store_->stat({}, "small"), dead);
    EXPECT_THAT(store_->open({}, "small"), dead);
    EXPECT_THAT(reader->read_at({}, 0, into), dead);
    EXPECT_THAT(writer->finish({}), dead);
    EXPECT_THAT(store_->create({}, "new"), dead);
    EXPECT_THAT(store_->remove({}, "small"), dead);
    EXPECT_THAT(list_names(*store_, {}), dead);
    EXPECT_THAT(store_->space({}), dead);
    EXPECT_THAT(store_->sweep({}), dead);
    EXPECT_THAT(store_->read({}, {&entry, 1}), Succeeds());
    EXPECT_THAT(entry.got, dead);
    reader.reset();
    writer.reset();
  });
  EXPECT_LT(took, kMargin);

  mount_.unmount();
  mount_again();
  expect_object(*store_, "small", small_object());
  EXPECT_THAT(put_bytes(*store_, {}, "new", small_object()), Succeeds());
  expect_object(*store_, "new", small_object());
  EXPECT_THAT(store_->space({}), Succeeds());
  expect_nothing_left();
  expect_frozen_stat_ends();
}

TEST_F(ReplacedMountTest, A_daemon_killed_while_frozen_releases_the_store) {
  mount_.freeze();
  EXPECT_THAT(store_->stat({}, "small"), FailsWith(ErrorCode::kUnavailable));
  mount_.kill();
  EXPECT_TRUE(eventually([&] {
    auto result = store_->stat({}, "small");
    return !result && result.error().message.find("the mount is dead") != std::string::npos;
  }));
  mount_.unmount();
  mount_again();
  expect_object(*store_, "big", big_object());
  expect_nothing_left();
}

// What an administrator does with a hung mount: umount -l and mount it anew. Calls to the old one never end.
TEST_F(ReplacedMountTest, A_mount_replaced_while_frozen_is_found) {
  mount_.freeze();
  EXPECT_THAT(store_->stat({}, "small"), FailsWith(ErrorCode::kUnavailable));
  mount_.unmount();
  mount_again();
  EXPECT_TRUE(eventually([&] { return store_->stat({}, "small").has_value(); }));
  expect_object(*store_, "big", big_object());
  EXPECT_THAT(put_bytes(*store_, {}, "new", small_object()), Succeeds());
}

TEST_F(ReplacedMountTest, A_store_opened_before_its_mount_stands_is_guarded_once_it_does) {
  mount_.unmount();
  store_ = open(kTimeout);
  mount_again();
  expect_object(*store_, "small", small_object());
  expect_frozen_stat_ends();
}

// Between the commands that replace a dead mount its bare mount point answers, and must not pass for the store.
TEST_F(ReplacedMountTest, A_store_opened_on_a_dead_mount_waits_for_the_next_one) {
  mount_.freeze();
  const auto another = open(kTimeout);
  const auto queue = another->read_queue();
  mount_.unmount();
  const auto is_missed = FailsSaying(ErrorCode::kUnavailable, "is its disk mounted?");
  EXPECT_TRUE(eventually([&] {
    const auto found = another->stat({}, "small");
    return !found && found.error().message.find("is its disk mounted?") != std::string::npos;
  }));
  EXPECT_THAT(put_bytes(*another, {}, "new", small_object()), is_missed);
  EXPECT_THAT(another->remove({}, "small"), is_missed);
  EXPECT_THAT(another->space({}), is_missed);
  RangeRead entry;
  entry.object = "small";
  EXPECT_THAT(queue->submit({&entry, 1}), FailsWith(ErrorCode::kUnavailable));

  mount_again();
  expect_object(*another, "small", small_object());
  EXPECT_THAT(queue->submit({&entry, 1}), Succeeds()) << "a queue made meanwhile is one of the store";
  std::array<RangeRead*, 1> done{};
  EXPECT_THAT(queue->wait({}, done), Gives(1U));
  EXPECT_THAT(put_bytes(*another, {}, "new", small_object()), Succeeds());
  EXPECT_THAT(another->copy_from({}, "copy", *another, "small"), Succeeds());
}

TEST_F(ReplacedMountTest, A_store_that_is_closed_before_it_could_be_opened_says_so) {
  mount_.freeze();
  const auto another = open(kTimeout);
  another->close();
  EXPECT_THAT(another->stat({}, "small"), FailsWith(ErrorCode::kClosed));
  mount_.unmount();
  mount_again();
}

TEST_F(ReplacedMountTest, A_store_whose_mount_was_gone_for_a_while_is_guarded_when_it_is_back) {
  mount_.unmount();
  EXPECT_THAT(store_->space({}), FailsSaying(ErrorCode::kUnavailable, "is its disk mounted?"));
  mount_again();
  expect_object(*store_, "small", small_object());
  expect_frozen_stat_ends();
}

}  // namespace
}  // namespace scabbard
