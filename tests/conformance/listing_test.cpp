// What lists show, and what they keep to themselves.
#include <atomic>
#include <thread>

#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

TEST_P(Conformance, List_of_an_empty_store_is_empty) {
  EXPECT_THAT(names(), Gives(IsEmpty()));
  EXPECT_THAT(names({.folder = {}, .recursive = false}), Gives(IsEmpty()));
}

TEST_P(Conformance, Recursive_list_has_all_objects_with_what_is_known_of_them) {
  const std::string version = value_of(put("cache/s-t01000-7/p_aux", "four")).version;
  value_of(put("sealed/s-t01000-7", "longer text"));
  value_of(put("piece", ""));
  const auto entries = list_entries(store(), ctx());
  ASSERT_THAT(entries, Succeeds());
  ASSERT_EQ(entries->size(), 3U);
  const ListEntry& aux = entries->at("cache/s-t01000-7/p_aux");
  EXPECT_FALSE(aux.is_folder);
  EXPECT_EQ(aux.info.size, 4U);
  EXPECT_EQ(aux.info.version, version);
  EXPECT_EQ(entries->at("sealed/s-t01000-7").info.size, 11U);
  EXPECT_EQ(entries->at("piece").info.size, 0U);
}

TEST_P(Conformance, List_of_one_level_has_objects_and_folders) {
  value_of(put("a/b/c", "text"));
  value_of(put("a/d", "text"));
  value_of(put("e", "text"));
  EXPECT_THAT(names({.folder = {}, .recursive = false}), Gives(ElementsAre("a/", "e")));
  EXPECT_THAT(names({.folder = "a", .recursive = false}), Gives(ElementsAre("a/b/", "a/d")));
  EXPECT_THAT(names({.folder = "a/b", .recursive = false}), Gives(ElementsAre("a/b/c")));
}

TEST_P(Conformance, List_of_a_folder_has_what_is_below_it_and_not_its_namesakes) {
  for (const char* object : {"a/1", "a/b/2", "ab/3", "a.b/4", "b/a/5", "a0"}) value_of(put(object, "text"));
  EXPECT_THAT(names({.folder = "a", .recursive = true}), Gives(ElementsAre("a/1", "a/b/2")));
  EXPECT_THAT(names({.folder = "b", .recursive = true}), Gives(ElementsAre("b/a/5")));
}

TEST_P(Conformance, List_of_a_missing_folder_is_empty) {
  value_of(put("object", "text"));
  for (const bool recursive : {false, true}) {
    EXPECT_THAT(names({.folder = "missing", .recursive = recursive}), Gives(IsEmpty()));
    EXPECT_THAT(names({.folder = "missing/below", .recursive = recursive}), Gives(IsEmpty()));
    EXPECT_THAT(names({.folder = "object", .recursive = recursive}), Gives(IsEmpty())) << "an object is no folder";
    EXPECT_THAT(names({.folder = "object/below", .recursive = recursive}), Gives(IsEmpty()));
  }
}

TEST_P(Conformance, List_of_names_only_has_the_same_names) {
  for (const char* object : {"a/1", "a/b/2", "c"}) value_of(put(object, "text"));
  EXPECT_THAT(names({.folder = {}, .names_only = true}), Gives(ElementsAre("a/1", "a/b/2", "c")));
  EXPECT_THAT(names({.folder = {}, .recursive = false, .names_only = true}), Gives(ElementsAre("a/", "c")));
}

TEST_P(Conformance, List_of_a_malformed_folder_is_invalid) {
  for (const char* folder : {"/", "..", "a/..", "/a", "a//b", ".scabbard-tmp-1"}) {
    EXPECT_THAT(names({.folder = folder, .recursive = true}), FailsWith(ErrorCode::kInvalidPath)) << folder;
  }
}

TEST_P(Conformance, List_hides_unfinished_objects) {
  auto writer = value_of(store().create(ctx(), "folder/object"));
  value_of(writer->write(ctx(), pattern_bytes(1, 2'000'000)));
  EXPECT_THAT(names(), Gives(IsEmpty()));
  EXPECT_THAT(names({.folder = "folder", .recursive = false}), Gives(IsEmpty()));
  value_of(writer->finish(ctx()));
  EXPECT_THAT(names(), Gives(ElementsAre("folder/object")));
}

TEST_P(Conformance, List_of_many_objects_comes_in_pages) {
  constexpr std::size_t kObjects = 1'200;
  std::set<std::string> expected;
  for (std::size_t i = 0; i < kObjects; ++i) {
    const std::string name = "folder" + std::to_string(i % 3) + "/" + std::to_string(i);
    value_of(put(name, ""));
    expected.insert(name);
  }
  EXPECT_THAT(names(), Gives(expected));
  auto lister = value_of(store().list(ctx()));
  const auto first = lister->next(ctx());
  ASSERT_THAT(first, Succeeds());
  EXPECT_GT(first->size(), 0U);
  EXPECT_LE(first->size(), 5'000U);
  // Half-read lists may be given up, and ended ones asked again.
  lister.reset();
  lister = value_of(store().list(ctx(), {.folder = "missing", .recursive = true}));
  EXPECT_THAT(lister->next(ctx()), Gives(IsEmpty()));
  EXPECT_THAT(lister->next(ctx()), Gives(IsEmpty()));
}

TEST_P(Conformance, List_while_objects_come_and_go_has_all_others_exactly_once) {
  std::set<std::string> staying;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "folder" + std::to_string(i % 5) + "/staying" + std::to_string(i);
    value_of(put(name, "text"));
    staying.insert(name);
  }
  std::atomic<int> rounds = 0;
  std::jthread other([&](const std::stop_token& over) {
    for (int i = 0; !over.stop_requested(); ++i) {
      const std::string name = "folder" + std::to_string(i % 5) + "/passing" + std::to_string(i % 7);
      if (i % 2 == 0) {
        (void)put_text(store(), ctx(), name, "text");
      } else {
        (void)store().remove(ctx(), "folder" + std::to_string((i - 1) % 5) + "/passing" + std::to_string((i - 1) % 7));
      }
      ++rounds;
    }
  });
  for (int i = 0; i < 20 || rounds < 20; ++i) {
    const auto listed = names();  // an entry that comes twice is an error of its own
    ASSERT_THAT(listed, Succeeds());
    EXPECT_THAT(*listed, IsSupersetOf(staying));
  }
}

TEST_P(Conformance, Lister_outlives_the_stores_handle) {
  value_of(put("object", "text"));
  auto lister = value_of(store().list(ctx()));
  forget_store();
  const auto page = lister->next(ctx());
  ASSERT_THAT(page, Succeeds());
  EXPECT_EQ(page->size(), 1U);
}

}  // namespace
}  // namespace scabbard
