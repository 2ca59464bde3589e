#include "store/copy.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <stop_token>

#include "support/forwarding_store.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {
namespace {

using ::testing::AnyOf;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A store that no other one can copy from by itself: it hides what it is.
class HiddenStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::string_view scheme() const override { return "hidden"; }
};

enum class Way { kByTheStoreItself, kThroughMemory };

class CopyTest : public ::testing::TestWithParam<Way> {
 protected:
  CopyTest() {
    if (GetParam() == Way::kThroughMemory) source_ = std::make_shared<HiddenStore>(source_);
  }

  static std::shared_ptr<Store> open(const TemporaryFolder& folder) {
    return value_of(open_store({.name = "", .path = folder.string(), .meta = {}}));
  }

  // Copies entries of `source_folder`, and gives the result of each that was begun.
  std::map<std::string, Result<WriteInfo>> copied(const std::vector<FolderEntry>& entries, unsigned jobs = 4) {
    std::map<std::string, Result<WriteInfo>> results;
    FolderCopy plan{.source = *source_,
                    .source_folder = "from",
                    .destination = *destination_,
                    .destination_folder = "to",
                    .options = {},
                    .jobs = jobs};
    copy_entries(ctx_, plan, entries, [&](const ObjectCopy& copy) {
      EXPECT_FALSE(telling_.exchange(true)) << "two calls at a time";
      EXPECT_TRUE(results.emplace(copy.object, copy.result).second) << copy.object << " twice";
      if (cancel_after_first_) cancel_.request_stop();
      telling_ = false;
    });
    return results;
  }

  std::vector<FolderEntry> put_entries(std::size_t count) {
    std::vector<FolderEntry> entries;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "folder/" + std::to_string(i);
      EXPECT_THAT(put_text(*source_, {}, "from/" + name, name), Succeeds());
      entries.push_back({name, name.size()});
    }
    return entries;
  }

  TemporaryFolder from_{TemporaryFolder::Where::kMemory};
  TemporaryFolder to_{TemporaryFolder::Where::kMemory};
  std::shared_ptr<Store> source_ = open(from_);
  std::shared_ptr<Store> destination_ = open(to_);
  std::stop_source cancel_;
  Context ctx_ = Context().with_cancel(cancel_.get_token());
  bool cancel_after_first_ = false;
  std::atomic<bool> telling_ = false;
};

TEST_P(CopyTest, Object_is_whole_at_its_destination_and_the_progress_is_its_size) {
  const Bytes bytes = pattern_bytes(1, 5'000'003);
  ASSERT_THAT(put_bytes(*source_, ctx_, "a", bytes), Succeeds());
  std::atomic<std::uint64_t> progress = 0;
  const auto written =
      copy_object(ctx_, *source_, "a", *destination_, "b/c", {.exclusive = false, .length = {}, .progress = &progress});
  ASSERT_THAT(written, Succeeds());
  EXPECT_EQ(written->size, bytes.size());
  EXPECT_EQ(progress, bytes.size());
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(*destination_, ctx_, "b/c"))), "equal");
}

TEST_P(CopyTest, Empty_object_is_copied) {
  ASSERT_THAT(put_text(*source_, ctx_, "a", ""), Succeeds());
  ASSERT_THAT(copy_object(ctx_, *source_, "a", *destination_, "b"), Succeeds());
  EXPECT_EQ(value_of(get_text(*destination_, ctx_, "b")), "");
}

TEST_P(CopyTest, Missing_source_leaves_nothing) {
  EXPECT_THAT(copy_object(ctx_, *source_, "gone", *destination_, "b"), FailsSaying(ErrorCode::kNotFound, "gone"));
  EXPECT_THAT(value_of(list_names(*destination_, ctx_)), IsEmpty());
}

TEST_P(CopyTest, Exclusive_copy_leaves_what_is_there) {
  ASSERT_THAT(put_text(*source_, ctx_, "a", "new"), Succeeds());
  ASSERT_THAT(put_text(*destination_, ctx_, "b", "old"), Succeeds());
  EXPECT_THAT(copy_object(ctx_, *source_, "a", *destination_, "b", {.exclusive = true, .length = {}}),
              FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_EQ(value_of(get_text(*destination_, ctx_, "b")), "old");
}

TEST_P(CopyTest, Entries_go_under_their_names_and_each_is_told_once) {
  const auto entries = put_entries(300);
  for (unsigned jobs : {1U, 4U, 64U}) {
    SCOPED_TRACE(jobs);
    const auto results = copied(entries, jobs);
    EXPECT_THAT(results, SizeIs(entries.size()));
    for (const FolderEntry& entry : entries) {
      ASSERT_THAT(results.at("to/" + entry.name), Succeeds());
      ASSERT_EQ(value_of(get_text(*destination_, ctx_, "to/" + entry.name)), entry.name);
    }
  }
}

TEST_P(CopyTest, Entry_that_fails_does_not_keep_the_others_back) {
  auto entries = put_entries(3);
  entries.insert(entries.begin() + 1, {.name = "gone", .size = 1});
  const auto results = copied(entries);
  EXPECT_THAT(results, SizeIs(4));
  EXPECT_THAT(results.at("to/gone"), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(value_of(list_names(*destination_, ctx_)).size(), 3U);
}

TEST_P(CopyTest, Cancelled_copy_begins_no_further_batch) {
  const auto entries = put_entries(300);
  cancel_after_first_ = true;
  const auto results = copied(entries, 1);
  EXPECT_THAT(results, SizeIs(::testing::Lt(entries.size() / 2)));
  for (const auto& [name, result] : results) EXPECT_THAT(result, AnyOf(Succeeds(), FailsWith(ErrorCode::kCancelled)));
}

TEST_P(CopyTest, Nothing_to_copy_is_nothing_done) { EXPECT_THAT(copied({}), IsEmpty()); }

INSTANTIATE_TEST_SUITE_P(Ways, CopyTest, ::testing::Values(Way::kByTheStoreItself, Way::kThroughMemory),
                         [](const auto& way) {
                           return way.param == Way::kThroughMemory ? "Through_memory" : "By_the_store_itself";
                         });

}  // namespace
}  // namespace scabbard
