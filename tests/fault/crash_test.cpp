// A power cut after any step of anything that changes a store loses nothing that was acknowledged, and
// never leaves half an object.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <ostream>
#include <vector>

#include "fault/crash_history.hpp"
#include "store/posix/posix_store.hpp"
#include "support/result_matchers.hpp"
#include "support/source_file.hpp"
#include "support/temporary_folder.hpp"
#include "support/whole_objects.hpp"

namespace scabbard::posix {
namespace {

using ::testing::IsEmpty;

// Some pages, the last one not full.
const Bytes kOld = pattern_bytes(1, 9'000);
const Bytes kNew = pattern_bytes(2, 21'000);

struct Machine {
  std::string name;
  Settings::Guard guard;
  bool knows_rename_no_replace;
};

std::ostream& operator<<(std::ostream& out, const Machine& machine) { return out << machine.name; }

class Crash : public ::testing::TestWithParam<Machine> {
 protected:
  Crash() {
    if (!GetParam().knows_rename_no_replace) model_.forget_rename_no_replace();
  }

  std::shared_ptr<Store> open() {
    return value_of(
        open_store({.name = "model", .path = root_, .meta = {}}, root_, {.guard = GetParam().guard, .calls = &model_}));
  }

  bool put(Store& store, const std::string& object, const Bytes& bytes, const CreateOptions& options = {}) {
    return history_.step("put " + object, object, bytes,
                         [&] { return put_bytes(store, Context(), object, bytes, options).has_value(); });
  }

  bool remove(Store& store, const std::string& object) {
    return history_.step("remove " + object, object, std::nullopt,
                         [&] { return store.remove(Context(), object).has_value(); });
  }

  void expect_survival(std::size_t least_crashes) {
    EXPECT_GE(history_.crashes(), least_crashes) << "too few to mean anything";
    EXPECT_THAT(history_.violations(), IsEmpty());
  }

  TemporaryFolder folder_;  // gives the model's root its path, should anything look past the seam
  std::string root_ = folder_.string();
  ModelFilesystem model_{{root_}};
  CrashHistory history_{model_, root_};
};

TEST_P(Crash, Put_of_a_new_object_survives) {
  ASSERT_TRUE(put(*open(), "new", kNew));
  expect_survival(10);
}

TEST_P(Crash, Put_of_an_empty_object_survives) {
  ASSERT_TRUE(put(*open(), "empty", {}));
  expect_survival(5);
}

TEST_P(Crash, Replaced_object_is_the_old_or_the_new_one) {
  auto store = open();
  ASSERT_TRUE(put(*store, "object", kOld));
  ASSERT_TRUE(put(*store, "object", kNew));
  ASSERT_TRUE(put(*store, "object", kOld));
  expect_survival(30);
}

TEST_P(Crash, Put_into_new_nested_folders_survives) {
  ASSERT_TRUE(put(*open(), "cache/s-t01000-7/p_aux", kNew));
  expect_survival(30);
}

TEST_P(Crash, Exclusive_put_survives) {
  ASSERT_TRUE(put(*open(), "sealed/s-t01000-7", kNew, {.exclusive = true, .length = {}}));
  expect_survival(20);
}

TEST_P(Crash, Exclusive_put_over_an_object_leaves_that) {
  auto store = open();
  ASSERT_TRUE(put(*store, "object", kOld));
  EXPECT_FALSE(put(*store, "object", kNew, {.exclusive = true, .length = {}}));
  EXPECT_EQ(look_at(*store, Context(), "object"), kOld);
  expect_survival(10);
}

TEST_P(Crash, Put_of_a_file_survives) {
  const SourceFile source(kNew);
  auto store = open();
  for (const std::string object : {"sealed/s-t01000-7", "sealed/s-t01000-7", "update/s-t01000-7"}) {
    EXPECT_TRUE(history_.step("put file " + object, object, kNew,
                              [&] { return store->put_file(Context(), object, source.whole()).has_value(); }));
  }
  expect_survival(30);
}

TEST_P(Crash, Copy_between_stores_survives) {
  auto store = open();
  ASSERT_TRUE(put(*store, "original", kOld));
  const bool copied = history_.step("copy", "folder/copy", kOld, [&] {
    return store->copy_from(Context(), "folder/copy", *store, "original").has_value();
  });
  EXPECT_TRUE(copied);
  expect_survival(20);
}

class ManyCopies {
 public:
  ManyCopies() {
    for (int i = 0; i < 9; ++i) {
      const std::string object = "cache/s-t01000-" + std::to_string(i % 2) + "/" + std::to_string(i);
      copies_.push_back({.source = "original", .object = object});
      contents_[object] = kOld;
    }
  }

  // Which of them were acknowledged.
  std::map<std::string, bool> run(Store& store, CrashHistory& history) {
    std::map<std::string, bool> acknowledged;
    history.step("copy many", contents_, [&] {
      store.copy_many_from(Context(), store, copies_);
      for (const ObjectCopy& copy : copies_) acknowledged[copy.object] = copy.result.has_value();
      return acknowledged;
    });
    return acknowledged;
  }

 private:
  std::vector<ObjectCopy> copies_;
  std::map<std::string, CrashHistory::Content> contents_;
};

TEST_P(Crash, Copies_that_are_synced_together_survive) {
  auto store = open();
  ASSERT_TRUE(put(*store, "original", kOld));
  for (const auto& [object, acknowledged] : ManyCopies().run(*store, history_)) EXPECT_TRUE(acknowledged) << object;
  expect_survival(100);
}

// Where calls are not guarded: only there copies are synced together.
void expect_failed_syncs_to_be_told(bool on_overlay) {
  const TemporaryFolder folder;
  const std::string root = folder.string();
  for (std::size_t n = 1;; ++n) {
    ModelFilesystem model({root});
    if (on_overlay) model.become_overlay();
    CrashHistory history(model, root);
    auto store = value_of(open_store({.name = "model", .path = root, .meta = {}}, root,
                                     {.guard = Settings::Guard::kNever, .calls = &model}));
    ASSERT_TRUE(history.step("put original", "original", kOld,
                             [&] { return put_bytes(*store, Context(), "original", kOld).has_value(); }));
    const std::size_t before = model.fsyncs();
    model.fail_fsync(n, EIO);
    const auto acknowledged = ManyCopies().run(*store, history);
    const bool all = std::ranges::all_of(acknowledged, [](const auto& entry) { return entry.second; });
    const bool failed = model.fsyncs() - before >= n;
    EXPECT_EQ(all, !failed) << "sync " << n << " failed and nobody was told";
    EXPECT_THAT(history.violations(), IsEmpty()) << "sync " << n << " failed";
    if (!failed) break;
  }
}

TEST(CrashOfCopies, Copies_of_which_a_sync_fails_are_refused_or_survive) { expect_failed_syncs_to_be_told(false); }

TEST(CrashOfCopies, Copies_where_a_sync_of_all_tells_nothing_are_refused_or_survive) {
  expect_failed_syncs_to_be_told(true);
}

TEST_P(Crash, Put_into_a_folder_that_another_store_has_just_made_survives) {
  auto first = open();
  auto second = open();
  ASSERT_TRUE(put(*first, "cache/s-t01000-7/p_aux", kOld));
  ASSERT_TRUE(put(*second, "cache/s-t01000-7/t_aux", kNew));
  expect_survival(30);
}

// The folder is there, but not on disk: its maker has not come to that yet.
TEST_P(Crash, Put_into_a_folder_that_an_unfinished_writer_has_made_survives) {
  auto first = open();
  auto second = open();
  std::unique_ptr<Writer> unfinished;
  history_.step("create cache/s-t01000-7/p_aux",
                [&] { unfinished = value_of(first->create(Context(), "cache/s-t01000-7/p_aux")); });
  ASSERT_TRUE(put(*second, "cache/s-t01000-7/t_aux", kNew));
  ASSERT_TRUE(put(*first, "cache/s-t01000-8/p_aux", kOld));
  history_.step("give up", [&] { unfinished.reset(); });
  expect_survival(30);
}

// An administrator, or the manager's os.RemoveAll, removes a folder; its number goes to the next one.
TEST_P(Crash, Put_into_a_folder_that_was_removed_and_made_again_survives) {
  auto store = open();
  ASSERT_TRUE(put(*store, "cache/s-t01000-7/p_aux", kOld));
  ASSERT_TRUE(remove(*store, "cache/s-t01000-7/p_aux"));
  history_.step("remove the folder, make it again", [&] {
    ASSERT_EQ(model_.remove_directory(root_ + "/cache/s-t01000-7"), 0);
    ASSERT_EQ(model_.make_directory(root_ + "/cache/s-t01000-7", 0755), 0);
  });
  ASSERT_TRUE(put(*store, "cache/s-t01000-7/t_aux", kNew));
  expect_survival(30);
}

TEST_P(Crash, Put_through_a_symlink_survives) {
  ASSERT_EQ(model_.make_directory(root_ + "/elsewhere", 0755), 0);
  ASSERT_EQ(model_.make_symlink("elsewhere/target", root_ + "/link"), 0);
  const int root = model_.open(root_, O_RDONLY | O_DIRECTORY, 0);
  ASSERT_EQ(model_.fsync(root), 0);
  model_.close(root);
  auto store = open();
  // One file by two names: only that of the link is judged while it changes.
  const auto put_through = [&](const Bytes& bytes) {
    return history_.step("put elsewhere/target", "elsewhere/target", bytes,
                         [&] { return put_bytes(*store, Context(), "link", bytes).has_value(); });
  };
  const int before = static_cast<int>(history_.crashes());
  ASSERT_TRUE(put_through(kOld));
  ASSERT_TRUE(put_through(kNew));
  EXPECT_GT(static_cast<int>(history_.crashes()), before + 10);
  for (const std::string& violation : history_.violations()) {
    // The listing counts the link as well.
    EXPECT_THAT(violation, ::testing::HasSubstr("the listing has"));
  }
}

TEST_P(Crash, Removed_object_stays_removed) {
  auto store = open();
  ASSERT_TRUE(put(*store, "sealed/a", kOld));
  ASSERT_TRUE(put(*store, "sealed/b", kOld));
  ASSERT_TRUE(remove(*store, "sealed/a"));
  ASSERT_TRUE(put(*store, "sealed/a", kNew));
  ASSERT_TRUE(remove(*store, "sealed/b"));
  expect_survival(40);
}

TEST_P(Crash, Writer_given_up_leaves_nothing) {
  auto store = open();
  ASSERT_TRUE(put(*store, "object", kOld));
  history_.step("write and give up", [&] {
    auto writer = value_of(store->create(Context(), "object"));
    value_of(writer->write(Context(), kNew));
  });
  EXPECT_EQ(look_at(*store, Context(), "object"), kOld);
  expect_survival(10);
}

TEST_P(Crash, Writers_of_one_object_at_the_same_time_leave_one_of_their_contents) {
  auto store = open();
  auto first = value_of(store->create(Context(), "object"));
  auto second = value_of(store->create(Context(), "object"));
  value_of(first->write(Context(), kOld));
  value_of(second->write(Context(), kNew));
  EXPECT_TRUE(history_.step("first", "object", kOld, [&] { return first->finish(Context()).has_value(); }));
  EXPECT_TRUE(history_.step("second", "object", kNew, [&] { return second->finish(Context()).has_value(); }));
  expect_survival(20);
}

TEST_P(Crash, Put_after_a_failed_sync_survives) {
  // The n-th sync fails, be it that of the data or of a folder, and the caller tries again.
  for (std::size_t n = 1;; ++n) {
    ModelFilesystem model({root_});
    CrashHistory history(model, root_);
    auto store = value_of(
        open_store({.name = "model", .path = root_, .meta = {}}, root_, {.guard = GetParam().guard, .calls = &model}));
    const auto put_once = [&](const std::string& object, const Bytes& bytes) {
      return history.step("put " + object + " with sync " + std::to_string(n) + " failing", object, bytes,
                          [&] { return put_bytes(*store, Context(), object, bytes).has_value(); });
    };
    model.fail_fsync(n, EIO);
    const bool first = put_once("cache/s-t01000-7/p_aux", kNew);
    const std::size_t syncs = model.fsyncs();
    model.fail_fsync(0, 0);  // no more
    if (!first) {
      ASSERT_TRUE(put_once("cache/s-t01000-7/p_aux", kNew));
    }
    ASSERT_TRUE(put_once("cache/s-t01000-7/t_aux", kOld));
    EXPECT_EQ(first, syncs < n) << "sync " << n << " failed and nobody was told";
    EXPECT_THAT(history.violations(), IsEmpty()) << "sync " << n << " failed";
    if (syncs < n) {
      EXPECT_GE(n, 4U) << "the file, its folder and the parents should be synced";
      break;
    }
  }
}

TEST_P(Crash, Remove_after_a_failed_sync_survives) {
  auto store = open();
  ASSERT_TRUE(put(*store, "sealed/a", kOld));
  model_.fail_fsync(1, EIO);
  EXPECT_FALSE(remove(*store, "sealed/a"));
  expect_survival(10);
}

INSTANTIATE_TEST_SUITE_P(Posix, Crash,
                         ::testing::Values(Machine{"direct", Settings::Guard::kNever, true},
                                           Machine{"guarded", Settings::Guard::kAlways, true},
                                           Machine{"without_rename_no_replace", Settings::Guard::kNever, false}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace scabbard::posix
