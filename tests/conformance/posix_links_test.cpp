// Symlinks inside a store are used in the field, to files and folders on other disks: they keep working.
#include <sys/stat.h>

#include "conformance/posix_store_test.hpp"
#include "store/posix/durable_file.hpp"
#include "support/source_file.hpp"

namespace scabbard::posix {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(PosixStoreTest, Linked_file_is_an_object) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "file", "text elsewhere");
  fs::create_symlink(elsewhere / "file", path("object"));
  EXPECT_THAT(get("object"), Gives("text elsewhere"));
  EXPECT_EQ(value_of(store().stat(ctx(), "object")).size, 14U);
  EXPECT_THAT(names(), Gives(ElementsAre("object")));
}

TEST_P(PosixStoreTest, Objects_in_a_linked_folder) {
  const TemporaryFolder elsewhere;
  fs::create_symlink(elsewhere.path(), path("sealed"));
  EXPECT_THAT(put("sealed/s-t01000-7", "text"), Succeeds());
  EXPECT_EQ(read_file(elsewhere / "s-t01000-7"), "text");
  EXPECT_THAT(put("sealed/deeper/object", "text"), Succeeds());
  EXPECT_THAT(names(), Gives(ElementsAre("sealed/deeper/object", "sealed/s-t01000-7")));
  EXPECT_THAT(store().remove(ctx(), "sealed/s-t01000-7"), Succeeds());
  EXPECT_TRUE(fs::is_symlink(path("sealed")));
}

TEST_P(PosixStoreTest, List_that_follows_no_links_has_linked_folders_as_entries) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "file", "text");
  fs::create_symlink(elsewhere.path(), path("linked"));
  fs::create_symlink(elsewhere / "file", path("object"));
  value_of(put("folder/object", "text"));
  const ListOptions options{.folder = {}, .recursive = true, .follow_links = false};
  EXPECT_THAT(list_names(store(), ctx(), options), Gives(ElementsAre("folder/object", "linked/", "object")));
}

TEST_P(PosixStoreTest, List_that_follows_no_links_refuses_a_folder_that_is_one) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "file", "text");
  fs::create_symlink(elsewhere.path(), path("linked"));
  const ListOptions options{.folder = "linked", .recursive = true, .follow_links = false};
  EXPECT_THAT(list_names(store(), ctx(), options), FailsWith(ErrorCode::kNotRegularFile));
}

TEST_P(PosixStoreTest, List_has_what_is_no_object_where_that_is_asked_for) {
  fs::create_symlink("nowhere", path("broken"));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  value_of(put("object", "text"));
  EXPECT_THAT(names(), Gives(ElementsAre("object")));
  std::set<std::string> others;
  auto lister = value_of(store().list(ctx(), {.folder = {}, .others = true}));
  for (const ListEntry& entry : value_of(lister->next(ctx()))) {
    if (entry.is_other) others.insert(entry.name);
  }
  EXPECT_THAT(others, ElementsAre("broken", "pipe"));
}

TEST_P(PosixStoreTest, Removing_all_folders_leaves_lost_and_found) {
  fs::create_directory(path("lost+found"));
  fs::create_directory(path("folder"));
  EXPECT_THAT(store().remove_folder(ctx(), ""), Succeeds());
  EXPECT_TRUE(fs::exists(path("lost+found")));
  EXPECT_FALSE(fs::exists(path("folder")));
}

TEST_P(PosixStoreTest, Removing_a_folder_leaves_what_links_lead_to) {
  const TemporaryFolder elsewhere;
  fs::create_directories(elsewhere / "empty");
  fs::create_directories(path("folder/inner"));
  fs::create_symlink(elsewhere.path(), path("linked"));
  fs::create_symlink(elsewhere.path(), path("folder/linked"));
  EXPECT_THAT(store().remove_folder(ctx(), "linked"), Succeeds());
  EXPECT_THAT(store().remove_folder(ctx(), "folder"), FailsSaying(ErrorCode::kIo, "ENOTEMPTY"));
  EXPECT_TRUE(fs::is_directory(elsewhere / "empty"));
  EXPECT_TRUE(fs::is_symlink(path("linked")));
  EXPECT_FALSE(fs::exists(path("folder/inner")));
}

TEST_P(PosixStoreTest, Put_through_a_link_replaces_the_target_and_keeps_the_link) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "file", "old");
  for (const fs::path& target : {elsewhere / "file", fs::relative(elsewhere / "file", path(""))}) {
    SCOPED_TRACE(target);
    fs::remove(path("object"));
    fs::create_symlink(target, path("object"));
    EXPECT_THAT(put("object", "new by " + target.string()), Succeeds());
    EXPECT_TRUE(fs::is_symlink(path("object")));
    EXPECT_EQ(fs::read_symlink(path("object")), target);
    EXPECT_EQ(read_file(elsewhere / "file"), "new by " + target.string());
    EXPECT_THAT(temporaries_below(elsewhere.path()), IsEmpty());
    EXPECT_THAT(temporaries_below(path("")), IsEmpty());
  }
}

TEST_P(PosixStoreTest, Put_through_a_chain_of_links_keeps_them_all) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "folder/file", "old");
  fs::create_symlink("folder/file", elsewhere / "second");
  fs::create_symlink(elsewhere / "second", path("first"));
  EXPECT_THAT(put("first", "new"), Succeeds());
  EXPECT_TRUE(fs::is_symlink(path("first")));
  EXPECT_TRUE(fs::is_symlink(elsewhere / "second"));
  EXPECT_EQ(read_file(elsewhere / "folder/file"), "new");
}

TEST_P(PosixStoreTest, Put_of_a_file_through_a_link) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "file", "old");
  fs::create_symlink(elsewhere / "file", path("object"));
  const SourceFile source(to_bytes("new"));
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  EXPECT_TRUE(fs::is_symlink(path("object")));
  EXPECT_EQ(read_file(elsewhere / "file"), "new");
}

TEST_P(PosixStoreTest, Put_through_a_broken_link_creates_its_target) {
  const TemporaryFolder elsewhere;
  fs::create_symlink(elsewhere / "file", path("object"));
  EXPECT_THAT(store().stat(ctx(), "object"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(names(), Gives(IsEmpty()));
  EXPECT_THAT(put("object", "text", {.exclusive = true, .length = {}}), Succeeds());
  EXPECT_TRUE(fs::is_symlink(path("object")));
  EXPECT_EQ(read_file(elsewhere / "file"), "text");
  EXPECT_THAT(get("object"), Gives("text"));
}

// The other disk is not mounted: no reason to make the folder here, nor to call the object missing.
TEST_P(PosixStoreTest, Put_through_a_link_into_a_missing_folder_outside_is_unavailable) {
  const TemporaryFolder elsewhere;
  fs::create_symlink(elsewhere / "missing/file", path("object"));
  fs::create_symlink(elsewhere / "missing", path("folder"));
  for (const char* object : {"object", "folder/object", "folder/deeper/object"}) {
    SCOPED_TRACE(object);
    EXPECT_THAT(put(object, "text"), FailsSaying(ErrorCode::kUnavailable, "is that disk mounted?"));
  }
  EXPECT_FALSE(fs::exists(elsewhere / "missing"));
}

TEST_P(PosixStoreTest, Remove_of_a_link_removes_the_link_alone) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "file", "text");
  fs::create_symlink(elsewhere / "file", path("object"));
  EXPECT_THAT(store().remove(ctx(), "object"), Succeeds());
  EXPECT_FALSE(fs::is_symlink(path("object")));
  EXPECT_EQ(read_file(elsewhere / "file"), "text");
}

TEST_P(PosixStoreTest, Link_to_itself_is_no_object_and_ends) {
  fs::create_symlink("loop", path("loop"));
  fs::create_symlink("there", path("here"));
  fs::create_symlink("here", path("there"));
  for (const char* object : {"loop", "here"}) {
    EXPECT_FALSE(store().stat(ctx(), object));
    EXPECT_FALSE(store().open(ctx(), object));
    EXPECT_FALSE(put(object, "text"));
  }
  EXPECT_THAT(names(), Gives(IsEmpty()));
}

TEST_P(PosixStoreTest, Folder_that_links_back_ends_a_list) {
  write_file(path("a/b/object"), "text");
  fs::create_directory_symlink("..", path("a/b/up"));
  fs::create_directory_symlink(path(""), path("a/top"));
  fs::create_directory_symlink(".", path("a/b/self"));
  EXPECT_THAT(names(), Gives(ElementsAre("a/b/object")));
}

// Each is reached through the other, and neither lies in itself by name.
TEST_P(PosixStoreTest, Folders_that_link_to_each_other_end_a_list) {
  write_file(path("a/object"), "text");
  write_file(path("b/object"), "text");
  fs::create_directory_symlink("../b", path("a/to_b"));
  fs::create_directory_symlink("../a", path("b/to_a"));
  const auto listed = names();
  ASSERT_THAT(listed, Succeeds());
  EXPECT_THAT(*listed, ::testing::IsSupersetOf({"a/object", "b/object"}));
  EXPECT_LE(listed->size(), 4U);
}

// As many ways as there are orders of the folders: it ends, but it is not quick.
TEST_P(PosixStoreTest, Folders_that_all_link_to_each_other_end_a_list) {
  constexpr int kFolders = 4;
  const auto folder_path = [&](int i) { return path("f" + std::to_string(i)); };
  for (int i = 0; i < kFolders; ++i) write_file(folder_path(i) / "object", "text");
  for (int i = 0; i < kFolders; ++i) {
    for (int j = 0; j < kFolders; ++j) {
      if (i != j) fs::create_directory_symlink("../f" + std::to_string(j), folder_path(i) / ("to" + std::to_string(j)));
    }
  }
  EXPECT_THAT(names(), Gives(::testing::IsSupersetOf({"f0/object", "f1/object", "f2/object", "f3/object"})));
}

TEST_P(PosixStoreTest, Sweep_finds_leftovers_below_linked_folders_and_ends) {
  const TemporaryFolder elsewhere;
  fs::create_directories(elsewhere / "s-t01000-7");
  fs::create_symlink(elsewhere.path(), path("cache"));
  fs::create_symlink(path(""), elsewhere / "back");
  const std::string leftover = temporary_prefix_of_host() + "1-1";
  write_file(elsewhere / "s-t01000-7" / leftover, "half");
  EXPECT_EQ(value_of(store().sweep(ctx())).files, 1U);
  EXPECT_FALSE(fs::exists(elsewhere / "s-t01000-7" / leftover));
}

TEST_P(PosixStoreTest, Root_that_is_a_link) {
  const TemporaryFolder elsewhere;
  write_file(elsewhere / "folder/object", "text");
  fs::create_directory_symlink(elsewhere.path(), path("root"));
  const auto linked = open(path("root"));
  EXPECT_THAT(get_text(*linked, ctx(), "folder/object"), Gives("text"));
  EXPECT_THAT(put_text(*linked, ctx(), "new/object", "text"), Succeeds());
  EXPECT_THAT(list_names(*linked, ctx()), Gives(ElementsAre("folder/object", "new/object")));
}

}  // namespace
}  // namespace scabbard::posix
