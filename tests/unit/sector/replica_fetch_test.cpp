#include "sector/replica_fetch.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "sector/sector_files.hpp"
#include "sector/tree_top_fetch.hpp"
#include "support/byte_patterns.hpp"
#include "support/forwarding_store.hpp"
#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "unit/sector/shapes.hpp"

namespace scabbard::sector {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::Not;
using ::testing::SizeIs;

const std::vector<std::uint64_t> kLeaves = {0, 511, 512, 100'000, 262'143};

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Error down() { return {.code = ErrorCode::kUnavailable, .message = "no answer", .retryable = true, .request_id = {}}; }

// A store whose reads may be failed: `fails` says with what. Those that fail with kCancelled never come back.
class UnreliableStore final : public ForwardingStore {
 public:
  using Fails = std::function<std::optional<Error>(const RangeRead&)>;
  UnreliableStore(std::shared_ptr<Store> store, Fails fails)
      : ForwardingStore(std::move(store)), fails_(std::move(fails)) {}

  std::unique_ptr<ReadQueue> read_queue() override {
    return std::make_unique<Queue>(ForwardingStore::read_queue(), fails_);
  }

 private:
  class Queue final : public ReadQueue {
   public:
    Queue(std::unique_ptr<ReadQueue> queue, const Fails& fails) : queue_(std::move(queue)), fails_(fails) {}
    Result<void> submit(std::span<RangeRead> entries) override { return queue_->submit(entries); }
    Result<std::size_t> wait(const Context& ctx, std::span<RangeRead*> done) override {
      auto count = queue_->wait({}, done);  // real reads take no virtual time
      std::size_t handed_back = 0;
      for (std::size_t i = 0; count && i < *count; ++i) {
        auto error = fails_(*done[i]);
        if (error && error->code == ErrorCode::kCancelled) continue;
        if (error) done[i]->got = fail(*std::move(error));
        done[handed_back++] = done[i];
      }
      if (!count || handed_back > 0) return count ? Result<std::size_t>(handed_back) : count;
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      std::ignore = ctx.wait(lock, never, [] { return false; });
      return fail(ErrorCode::kDeadlineExceeded, "held back");
    }
    void cancel() override { queue_->cancel(); }

   private:
    const std::unique_ptr<ReadQueue> queue_;
    const Fails& fails_;
  };

  const Fails fails_;
};

class ReplicaFetchTest : public ::testing::Test {
 protected:
  std::string sealed(std::uint64_t number) { return name_of({.miner = 1000, .number = number}, Kind::kSealed); }
  std::string cache(std::uint64_t number) { return name_of({.miner = 1000, .number = number}, Kind::kCache); }

  void write(const std::string& object, const std::string& text) {
    fs::create_directories((stored_ / object).parent_path());
    std::ofstream(stored_ / object, std::ios::binary) << text;
  }
  void make_sparse(const std::string& object, std::uint64_t size) {
    write(object, "");
    fs::resize_file(stored_ / object, size);
  }

  // Random, but for p_aux, which names the root.
  void make_sector(std::uint64_t number, const TreeLayout& layout = TreeLayout::usual(k8MiB)) {
    const std::string tree = to_text(pattern_nodes(number, layout.size()));
    write(sealed(number), to_text(pattern_nodes(number + 100, k8MiB.sector_size)));
    write(cache(number) + "/" + tree_file_name(k8MiB, 0), tree);
    write(cache(number) + "/p_aux", std::string(32, 'c') + tree.substr(tree.size() - 32));
  }
  // Of zeros.
  void make_large_sector(std::uint64_t number) {
    make_sparse(sealed(number), k32GiB.sector_size);
    make_sparse(cache(number) + "/p_aux", kPersistentAuxSize);
    for (unsigned tree = 0; tree < k32GiB.trees; ++tree) {
      make_sparse(cache(number) + "/" + tree_file_name(k32GiB, tree), TreeLayout::usual(k32GiB).size());
    }
  }

  std::shared_ptr<Store> failing(UnreliableStore::Fails fails) {
    return std::make_shared<UnreliableStore>(store_, std::move(fails));
  }

  // A sector that is to be staged.
  WantedReplica wanted(std::uint64_t number, const std::shared_ptr<Store>& store, const Shape& shape = k8MiB) {
    staged_.push_back(value_of(staging_->add(shape, 0)));
    return {.sealed_file = {.store = store, .object = sealed(number)},
            .cache_folder = {.store = store, .object = cache(number)},
            .leaves = kLeaves,
            .staged = staged_.back().get()};
  }
  WantedReplica wanted(std::uint64_t number) { return wanted(number, store_); }
  // Of a store that never fails, in virtual time.
  WantedReplica wanted_of_healthy_store(std::uint64_t number) {
    return wanted(number, failing([](const RangeRead&) -> std::optional<Error> { return std::nullopt; }));
  }

  void fetch(const Context& ctx, std::span<WantedReplica> replicas, const Shape& shape = k8MiB) {
    fetch_replicas(ctx, shape, replicas, options_);
  }
  Result<void> fetch_one(WantedReplica replica, const Shape& shape = k8MiB) {
    fetch({}, {&replica, 1}, shape);
    return replica.result;
  }

  // The same in virtual time, which passes whenever all its threads wait: one, and one for each store.
  void fetch_in_virtual_time(Clock::Duration limit, std::size_t threads, std::span<WantedReplica> replicas) {
    const Context ctx = Context().with_clock(clock_).with_timeout(limit);
    std::stop_source done;
    const std::jthread fetching([&] {
      fetch(ctx, replicas);
      done.request_stop();
    });
    while (!done.stop_requested()) {
      const auto seen = clock_.wait_until_all_wait(done.get_token(), threads);
      const auto next = clock_.next_deadline();
      if (seen && next && clock_.stands_still(*seen)) clock_.advance(*next - clock_.now());
    }
  }

  const TemporaryFolder stored_{TemporaryFolder::Where::kMemory};
  const TemporaryFolder staging_folder_{TemporaryFolder::Where::kMemory};
  const std::shared_ptr<Store> store_ = value_of(open_store({.name = "", .path = stored_.string(), .meta = {}}));
  const std::unique_ptr<Staging> staging_ = value_of(Staging::open(staging_folder_.string()));
  std::vector<std::unique_ptr<StagedSector>> staged_;
  ReplicaFetchOptions options_;
  ManualClock clock_;
};

class CachedReplicaFetchTest : public ReplicaFetchTest {
 protected:
  CachedReplicaFetchTest() { make_sector(7); }

  void keep() { EXPECT_THAT(keep_tree_tops({}, *cache_, k8MiB, {.store = store_, .object = cache(7)}), Gives(true)); }

  // Fetches it, and notes what is read of its tree.
  WantedReplica fetch_cached() {
    offsets_.clear();
    WantedReplica replica = wanted(7, failing([this](const RangeRead& read) -> std::optional<Error> {
                                     if (read.object == tree_) offsets_.push_back(read.offset);
                                     return std::nullopt;
                                   }));
    replica.cache = cache_.get();
    fetch({}, {&replica, 1});
    EXPECT_THAT(replica.result, Succeeds());
    expect_staged_tree();
    return replica;
  }

  // What is staged of the tree is what the store has.
  void expect_staged_tree() {
    const std::string whole = text_of(stored_ / tree_);
    const std::string staged = text_of(staged_.back()->cache_folder() + "/" + tree_file_name(k8MiB, 0));
    ASSERT_EQ(staged.size(), whole.size());
    for (const PlannedRead& read : plan_reads(k8MiB, *TreeLayout::of_file(k8MiB, whole.size()), kLeaves)) {
      if (read.file != kFirstTree) continue;
      EXPECT_EQ(staged.substr(read.offset, read.length), whole.substr(read.offset, read.length)) << read.offset;
    }
  }

  const TemporaryFolder cache_folder_{TemporaryFolder::Where::kMemory};
  const std::unique_ptr<TreeTopCache> cache_ = value_of(TreeTopCache::open({.folder = cache_folder_ / "cache"}));
  const std::string tree_ = cache(7) + "/" + tree_file_name(k8MiB, 0);
  const std::int64_t begin_ = static_cast<std::int64_t>(TreeLayout::usual(k8MiB).offset(5));  // of what is kept
  std::vector<std::int64_t> offsets_;
};

TEST_F(CachedReplicaFetchTest, What_is_kept_is_not_read_again) {
  EXPECT_FALSE(fetch_cached().has_cached_tops);
  EXPECT_THAT(offsets_, Contains(Ge(begin_)));
  keep();
  EXPECT_TRUE(fetch_cached().has_cached_tops);
  EXPECT_THAT(offsets_, AllOf(Not(IsEmpty()), Each(Lt(begin_))));
}

TEST_F(CachedReplicaFetchTest, A_tree_that_is_in_the_cache_with_all_that_is_read_of_it_is_not_read) {
  make_large_sector(9);
  const Location folder{.store = store_, .object = cache(9)};
  ASSERT_THAT(keep_tree_tops({}, *cache_, k32GiB, folder), Gives(true));
  EXPECT_THAT(keep_tree_tops({}, *cache_, k32GiB, folder), Gives(false));
  fs::remove(stored_ / (cache(9) + "/" + tree_file_name(k32GiB, 5)));
  WantedReplica replica = wanted(9, store_, k32GiB);
  replica.cache = cache_.get();
  EXPECT_THAT(fetch_one(replica, k32GiB), Succeeds());
}

TEST_F(CachedReplicaFetchTest, A_sector_that_was_sealed_anew_has_nothing_of_the_old_one) {
  keep();
  make_sector(8);
  for (const std::string& object : {sealed(7), tree_, cache(7) + "/p_aux"}) {
    std::string of_other = object;
    of_other.replace(of_other.find("1000-7"), 6, "1000-8");
    fs::rename(stored_ / of_other, stored_ / object);
  }
  EXPECT_FALSE(fetch_cached().has_cached_tops);
}

TEST_F(CachedReplicaFetchTest, Damage_costs_the_reads_only) {
  keep();
  const fs::path kept = fs::directory_iterator(cache_folder_.path() / "cache")->path();
  fs::resize_file(kept, fs::file_size(kept) - 1);
  EXPECT_FALSE(fetch_cached().has_cached_tops);
  EXPECT_FALSE(fs::exists(kept));
}

// Its checksums are right.
TEST_F(CachedReplicaFetchTest, What_was_wrong_when_it_was_kept_costs_the_reads_only) {
  const TreeLayout usual = TreeLayout::usual(k8MiB);
  const std::string text = text_of(stored_ / tree_);
  for (const std::size_t spoilt : {std::size_t{0}, usual.size() - usual.offset(5) - 1}) {
    auto ends = to_bytes(text.substr(usual.offset(5)));
    ends[spoilt + 31 - spoilt % 32] = std::byte{0xff};  // no scalar; or the root
    ASSERT_THAT(cache_->keep(k8MiB, last_node(to_bytes(text)), usual, ends), Succeeds());
    EXPECT_FALSE(fetch_cached().has_cached_tops) << spoilt;
    EXPECT_TRUE(fs::is_empty(cache_folder_.path() / "cache")) << spoilt;
  }
  auto ends = to_bytes(text.substr(usual.offset(5)));
  ends[ends.size() - kNodeSize] ^= std::byte{1};  // another root
  ASSERT_THAT(cache_->keep(k8MiB, last_node(to_bytes(text)), usual, ends), Succeeds());
  EXPECT_FALSE(fetch_cached().has_cached_tops);
  EXPECT_TRUE(fs::is_empty(cache_folder_.path() / "cache"));
}

TEST_F(CachedReplicaFetchTest, The_same_tree_with_fewer_rows_discarded_is_read_whole) {
  keep();
  const std::uint64_t more = TreeLayout(k8MiB, 1).size() - TreeLayout::usual(k8MiB).size();
  write(tree_, to_text(pattern_nodes(5, more)) + text_of(stored_ / tree_));
  EXPECT_FALSE(fetch_cached().has_cached_tops);
}

// So that some are whole when time is up.
TEST_F(CachedReplicaFetchTest, Trees_come_before_the_sectors_that_are_asked_for_later) {
  std::vector<std::string> objects;
  std::vector<WantedReplica> replicas;
  const auto noted = failing([&](const RangeRead& read) -> std::optional<Error> {
    if (objects.empty() || objects.back() != read.object) objects.emplace_back(read.object);
    return std::nullopt;
  });
  for (const std::uint64_t number : {7, 8}) {
    make_sector(number);
    replicas.push_back(wanted(number, noted));
    replicas.back().cache = cache_.get();
  }
  options_.max_reads = 1;
  fetch({}, replicas);
  EXPECT_THAT(objects, ElementsAre(sealed(7), cache(7) + "/p_aux", tree_, sealed(8), cache(8) + "/p_aux",
                                   cache(8) + "/" + tree_file_name(k8MiB, 0)));
}

TEST_F(CachedReplicaFetchTest, Tops_of_a_tree_with_another_number_of_rows_discarded_are_used) {
  make_sector(7, TreeLayout(k8MiB, 1));
  keep();
  EXPECT_TRUE(fetch_cached().has_cached_tops);
}

TEST_F(CachedReplicaFetchTest, A_tree_that_cannot_be_one_is_not_kept) {
  fs::resize_file(stored_ / tree_, 100'000);
  EXPECT_THAT(keep_tree_tops({}, *cache_, k8MiB, {.store = store_, .object = cache(7)}),
              FailsSaying(ErrorCode::kCorrupt, "which no tree"));
  make_sector(7);
  write(cache(7) + "/p_aux", std::string(64, 'x'));
  EXPECT_THAT(keep_tree_tops({}, *cache_, k8MiB, {.store = store_, .object = cache(7)}),
              FailsSaying(ErrorCode::kCorrupt, "another root"));
  write(cache(7) + "/p_aux", "x");
  EXPECT_THAT(keep_tree_tops({}, *cache_, k8MiB, {.store = store_, .object = cache(7)}),
              FailsSaying(ErrorCode::kCorrupt, "has to have 64"));
}

TEST_F(ReplicaFetchTest, Stages_the_planned_ranges_and_nothing_else) {
  make_sector(7);
  ASSERT_THAT(fetch_one(wanted(7)), Succeeds());

  std::string expected(k8MiB.sector_size, '\0');
  const std::string whole = text_of(stored_ / sealed(7));
  for (const PlannedRead& read : plan_reads(k8MiB, TreeLayout::usual(k8MiB), kLeaves)) {
    if (read.file == kSealedFile) expected.replace(read.offset, read.length, whole, read.offset, read.length);
  }
  EXPECT_EQ(text_of(staged_[0]->sealed_file()), expected);
  EXPECT_EQ(text_of(staged_[0]->cache_folder() + "/p_aux"), text_of(stored_ / (cache(7) + "/p_aux")));
}

TEST_F(ReplicaFetchTest, What_is_missing_or_short_fails_its_sector_only) {
  std::vector<WantedReplica> replicas;
  for (const std::uint64_t number : {1, 2, 3, 4}) {
    make_sector(number);
    replicas.push_back(wanted(number));
  }
  fs::remove(stored_ / (cache(1) + "/p_aux"));
  fs::resize_file(stored_ / sealed(2), k8MiB.sector_size - 1);
  fs::resize_file(stored_ / (cache(3) + "/" + tree_file_name(k8MiB, 0)), 100);
  fetch({}, replicas);
  EXPECT_THAT(replicas[0].result, FailsSaying(ErrorCode::kNotFound, "p_aux"));
  EXPECT_THAT(replicas[1].result, FailsSaying(ErrorCode::kCorrupt, "has 8388607 bytes, and has to have 8388608"));
  EXPECT_THAT(replicas[2].result, FailsSaying(ErrorCode::kCorrupt, "has 100 bytes, which no tree"));
  EXPECT_THAT(replicas[3].result, Succeeds());
}

// The stock prover would end over it.
TEST_F(ReplicaFetchTest, Bytes_that_no_sector_has_are_a_fault) {
  const auto spoil = [&](const std::string& object, std::size_t offset) {
    std::string text = text_of(stored_ / object);
    text[offset] = '\xff';
    write(object, text);
  };
  for (const auto& [object, offset] : {std::pair<std::string, std::size_t>{sealed(7), 31},
                                       {cache(7) + "/p_aux", 31},
                                       {cache(7) + "/" + tree_file_name(k8MiB, 0), 16'384 + 31}}) {
    make_sector(7);
    spoil(object, offset);
    EXPECT_THAT(fetch_one(wanted(7)), FailsSaying(ErrorCode::kCorrupt, "which no sector has")) << object;
  }
}

TEST_F(ReplicaFetchTest, The_length_of_a_tree_tells_what_is_read) {
  for (const unsigned rows : {0U, 1U, 2U}) {
    const TreeLayout layout(k8MiB, rows);
    make_sector(rows, layout);
    ASSERT_THAT(fetch_one(wanted(rows)), Succeeds()) << rows;
    EXPECT_THAT(staged_.back()->check(layout, plan_reads(k8MiB, layout, kLeaves)), Succeeds()) << rows;
  }
}

TEST_F(ReplicaFetchTest, Trees_of_one_sector_have_one_length) {
  make_large_sector(7);
  EXPECT_THAT(fetch_one(wanted(7, store_, k32GiB), k32GiB), Succeeds());
  fs::resize_file(stored_ / (cache(7) + "/" + tree_file_name(k32GiB, 5)), TreeLayout(k32GiB, 1).size());
  EXPECT_THAT(fetch_one(wanted(7, store_, k32GiB), k32GiB),
              FailsSaying(ErrorCode::kCorrupt, "unlike another tree of its sector"));
}

TEST_F(ReplicaFetchTest, A_tree_of_another_sector_is_found_where_there_is_one) {
  make_sector(7);
  make_sector(8);
  fs::copy_file(stored_ / (cache(8) + "/p_aux"), stored_ / (cache(7) + "/p_aux"), fs::copy_options::overwrite_existing);
  EXPECT_THAT(fetch_one(wanted(7)), FailsSaying(ErrorCode::kCorrupt, "another root than p_aux names"));
}

TEST_F(ReplicaFetchTest, A_sector_that_is_proven_from_where_it_is_is_only_looked_at) {
  make_sector(7);
  WantedReplica replica = wanted(7);
  replica.staged = nullptr;
  EXPECT_THAT(fetch_one(replica), Succeeds());
  fs::resize_file(stored_ / sealed(7), 0);
  EXPECT_THAT(fetch_one(replica), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(ReplicaFetchTest, A_folder_of_this_machine_is_looked_at_too) {
  make_sector(7);
  const auto locator = value_of(Locator::create());
  WantedReplica replica{.sealed_file = value_of(locator->resolve({}, (stored_ / sealed(7)).string())),
                        .cache_folder = value_of(locator->resolve({}, (stored_ / cache(7)).string())),
                        .leaves = kLeaves};
  EXPECT_THAT(fetch_one(replica), Succeeds());
  fs::remove(stored_ / (cache(7) + "/p_aux"));
  EXPECT_THAT(fetch_one(replica), FailsSaying(ErrorCode::kNotFound, "p_aux"));
}

TEST_F(ReplicaFetchTest, What_fails_for_now_is_read_again) {
  make_sector(7);
  std::atomic<int> failures = 3;
  const auto unreliable = failing([&](const RangeRead& read) -> std::optional<Error> {
    if (read.object.ends_with("p_aux") && failures-- > 0) return down();
    return std::nullopt;
  });
  std::vector<WantedReplica> replicas = {wanted(7, unreliable)};
  fetch_in_virtual_time(1min, 2, replicas);
  EXPECT_THAT(replicas[0].result, Succeeds());
  EXPECT_LT(failures, 0);
}

TEST_F(ReplicaFetchTest, An_object_that_is_replaced_meanwhile_is_read_again) {
  make_sector(7);
  std::atomic<bool> replaced = false;
  const auto unreliable = failing([&](const RangeRead& read) -> std::optional<Error> {
    if (read.object != sealed(7) || replaced.exchange(true)) return std::nullopt;
    return Error{.code = ErrorCode::kChanged, .message = "it changed", .request_id = {}};
  });
  std::vector<WantedReplica> replicas = {wanted(7, unreliable)};
  fetch_in_virtual_time(1min, 2, replicas);
  EXPECT_THAT(replicas[0].result, Succeeds());
}

TEST_F(ReplicaFetchTest, A_dead_store_fails_its_own_sectors_when_time_is_up) {
  make_sector(1);
  make_sector(2);
  const auto dead = failing([](const RangeRead&) { return down(); });
  std::vector<WantedReplica> replicas = {wanted_of_healthy_store(1), wanted(2, dead)};
  options_.sector_limit = 1h;
  fetch_in_virtual_time(10min, 3, replicas);
  EXPECT_THAT(replicas[0].result, Succeeds());
  EXPECT_THAT(replicas[1].result, FailsSaying(ErrorCode::kUnavailable, "in time: no answer"));
}

TEST_F(ReplicaFetchTest, What_is_overdue_is_not_waited_for_once_the_rest_is_ready) {
  make_sector(1);
  make_sector(2);
  const auto slow = failing([&](const RangeRead& read) -> std::optional<Error> {
    if (read.object != sealed(2)) return std::nullopt;
    return Error{.code = ErrorCode::kCancelled, .message = {}, .request_id = {}};
  });
  std::vector<WantedReplica> replicas = {wanted(1, slow), wanted(2, slow)};
  options_.sector_limit = 2min;
  const auto begun = clock_.now();
  fetch_in_virtual_time(10min, 2, replicas);
  EXPECT_THAT(replicas[0].result, Succeeds());
  EXPECT_THAT(replicas[1].result, FailsSaying(ErrorCode::kUnavailable, "within 2:00"));
  EXPECT_LT(clock_.now() - begun, 3min);
}

// It may come back in time.
TEST_F(ReplicaFetchTest, A_store_in_an_outage_is_waited_for_to_the_end) {
  make_sector(1);
  make_sector(2);
  const auto begun = clock_.now();
  const auto dead = failing([&](const RangeRead&) -> std::optional<Error> {
    if (clock_.now() - begun > 8min) return std::nullopt;
    return down();
  });
  std::vector<WantedReplica> replicas = {wanted_of_healthy_store(1), wanted(2, dead)};
  options_.sector_limit = 2min;
  fetch_in_virtual_time(10min, 3, replicas);
  EXPECT_THAT(replicas[1].result, Succeeds());
}

// The store is asked for one file at a time, and the next one comes when all of it is there.
TEST_F(ReplicaFetchTest, No_more_is_asked_for_at_a_time_than_is_allowed) {
  std::vector<std::string> objects;  // as they are answered
  std::vector<WantedReplica> replicas;
  const auto noted = failing([&](const RangeRead& read) -> std::optional<Error> {
    if (objects.empty() || objects.back() != read.object) objects.emplace_back(read.object);
    return std::nullopt;
  });
  for (std::uint64_t number = 0; number < 8; ++number) {
    make_sector(number);
    replicas.push_back(wanted(number, noted));
  }
  options_.max_reads = 1;
  fetch({}, replicas);
  for (const WantedReplica& replica : replicas) EXPECT_THAT(replica.result, Succeeds());
  EXPECT_THAT(objects, SizeIs(8 * 3));
}

TEST_F(ReplicaFetchTest, Files_in_stores_of_their_own_may_have_any_layout) {
  make_sector(7, TreeLayout(k8MiB, 1));
  const auto of_folder = [&](const char* folder) {
    return value_of(open_store({.name = "", .path = (stored_ / folder), .meta = {}}));
  };
  WantedReplica replica = wanted(7);
  replica.sealed_file = {.store = of_folder("sealed"), .object = "s-t01000-7"};
  replica.cache_folder = {.store = of_folder("cache"), .object = "s-t01000-7"};
  EXPECT_THAT(fetch_one(replica), Succeeds());
}

}  // namespace
}  // namespace scabbard::sector
