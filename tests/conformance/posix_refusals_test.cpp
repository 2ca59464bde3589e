// Filesystems that refuse: no permission, no space, mounted read-only, not mounted at all.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/posix_store_test.hpp"
#include "support/byte_patterns.hpp"
#include "support/child_process.hpp"
#include "support/manual_clock.hpp"
#include "support/small_filesystem.hpp"
#include "support/source_file.hpp"

namespace scabbard::posix {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kCannotMount = "mounting needs root (CAP_SYS_ADMIN)";

// Root may do everything: such tests run once more as somebody else.
#define AS_NOBODY()                                      \
  if (is_root()) {                                       \
    const ChildEnd child = run_current_test_as_nobody(); \
    EXPECT_EQ(child.exit_code, 0) << child.output;       \
    return;                                              \
  }

TEST_P(PosixStoreTest, Unreadable_folder_is_permission_denied) {
  AS_NOBODY();
  value_of(put("folder/object", "text"));
  value_of(put("other/object", "text"));
  ASSERT_EQ(::chmod(path("folder").c_str(), 0), 0);
  EXPECT_THAT(store().stat(ctx(), "folder/object"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(store().open(ctx(), "folder/object"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(put("folder/object", "new"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(put("folder/new", "new"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(store().remove(ctx(), "folder/object"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(names(), FailsWith(ErrorCode::kPermissionDenied)) << "a list that leaves objects out would lie";
  EXPECT_THAT(get("other/object"), Gives("text"));
  ASSERT_EQ(::chmod(path("folder").c_str(), 0755), 0);
  EXPECT_THAT(get("folder/object"), Gives("text"));
}

TEST_P(PosixStoreTest, Unreadable_file_is_permission_denied_for_reading_only) {
  AS_NOBODY();
  value_of(put("object", "text"));
  ASSERT_EQ(::chmod(path("object").c_str(), 0), 0);
  EXPECT_THAT(store().stat(ctx(), "object"), Succeeds());
  EXPECT_THAT(store().open(ctx(), "object"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(names(), Gives(ElementsAre("object")));
}

TEST_P(PosixStoreTest, Folder_that_cannot_be_written_is_permission_denied) {
  AS_NOBODY();
  value_of(put("folder/object", "text"));
  ASSERT_EQ(::chmod(path("folder").c_str(), 0555), 0);
  EXPECT_THAT(put("folder/object", "new"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(put("folder/below/object", "new"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(store().remove(ctx(), "folder/object"), FailsWith(ErrorCode::kPermissionDenied));
  EXPECT_THAT(get("folder/object"), Gives("text"));
  ASSERT_EQ(::chmod(path("folder").c_str(), 0755), 0);
}

// The kernel's own folder at the root of an ext4 disk, where the manager does not run as root.
TEST_P(PosixStoreTest, Lost_and_found_is_no_permission_denied_of_a_list) {
  AS_NOBODY();
  value_of(put("folder/object", "text"));
  fs::create_directory(path("lost+found"));
  ASSERT_EQ(::chmod(path("lost+found").c_str(), 0), 0);
  EXPECT_THAT(names(), Gives(ElementsAre("folder/object")));
  EXPECT_THAT(store().sweep(ctx()), Succeeds());
  ASSERT_EQ(::chmod(path("lost+found").c_str(), 0755), 0);
}

TEST_P(PosixStoreTest, Folder_that_can_be_entered_but_not_read_is_written_to_without_permission_denied) {
  AS_NOBODY();
  fs::create_directory(path("folder"));
  ASSERT_EQ(::chmod(path("folder").c_str(), 0333), 0);
  EXPECT_THAT(put("folder/object", "text"), Succeeds());
  EXPECT_THAT(get("folder/object"), Gives("text"));
  EXPECT_THAT(store().remove(ctx(), "folder/object"), Succeeds());
  ASSERT_EQ(::chmod(path("folder").c_str(), 0755), 0);
}

TEST_P(PosixStoreTest, Root_that_cannot_be_read_is_permission_denied) {
  AS_NOBODY();
  fs::create_directory(path("closed"));
  ASSERT_EQ(::chmod(path("closed").c_str(), 0), 0);
  const std::string root = path("closed");
  EXPECT_THAT(open_store({.name = "closed", .path = root, .meta = {}}, root, {.guard = GetParam()}),
              FailsWith(ErrorCode::kPermissionDenied));
}

TEST_P(PosixStoreTest, Full_filesystem_is_no_space_and_loses_nothing) {
  const auto filesystem = SmallFilesystem::mount(kMiB);
  if (!filesystem) GTEST_SKIP() << kCannotMount;
  const auto small = open(filesystem->string());
  value_of(put_bytes(*small, ctx(), "object", pattern_bytes(1, 300'000)));
  const Bytes too_much = pattern_bytes(2, 3 * kMiB);
  const SourceFile source(too_much);
  for (const char* object : {"object", "folder/new"}) {
    SCOPED_TRACE(object);
    const auto written = put_bytes(*small, ctx(), object, too_much);
    EXPECT_THAT(written, FailsSaying(ErrorCode::kNoSpace, object));
    EXPECT_THAT(put_bytes(*small, ctx(), object, too_much, {.exclusive = false, .length = too_much.size()}),
                FailsWith(ErrorCode::kNoSpace));
    EXPECT_THAT(small->put_file(ctx(), object, source.whole()), FailsWith(ErrorCode::kNoSpace));
    EXPECT_THAT(temporaries_below(filesystem->string()), IsEmpty());
  }
  EXPECT_THAT(get_bytes(*small, ctx(), "object"), Gives(pattern_bytes(1, 300'000)));
  EXPECT_THAT(list_names(*small, ctx()), Gives(ElementsAre("object")));
  EXPECT_THAT(put_bytes(*small, ctx(), "object", pattern_bytes(3, 300'000)), Succeeds())
      << "what was taken is free again";
}

TEST_P(PosixStoreTest, Announced_length_that_does_not_fit_is_refused_before_anything_is_written) {
  const auto filesystem = SmallFilesystem::mount(2 * kMiB);
  if (!filesystem) GTEST_SKIP() << kCannotMount;
  const auto small = open(filesystem->string());
  EXPECT_THAT(small->create(ctx(), "object", {.exclusive = false, .length = 3 * kMiB}), FailsWith(ErrorCode::kNoSpace));
  EXPECT_THAT(temporaries_below(filesystem->string()), IsEmpty());
}

TEST_P(PosixStoreTest, Sparse_file_fits_where_its_data_does) {
  const auto filesystem = SmallFilesystem::mount(kMiB);
  if (!filesystem) GTEST_SKIP() << kCannotMount;
  const auto small = open(filesystem->string());
  SourceFile source;
  source.write(0, pattern_bytes(1, 4096));
  source.resize(100 * kMiB);
  EXPECT_THAT(small->put_file(ctx(), "object", source.whole()), Succeeds());
}

TEST_P(PosixStoreTest, Filesystem_that_is_read_only_refuses_changes_and_is_read) {
  const auto filesystem = SmallFilesystem::mount(4 * kMiB);
  if (!filesystem) GTEST_SKIP() << kCannotMount;
  const auto mounted = open(filesystem->string());
  value_of(put_text(*mounted, ctx(), "folder/object", "text"));
  EXPECT_FALSE(value_of(mounted->space(ctx())).read_only);
  ASSERT_TRUE(filesystem->make_read_only());
  EXPECT_TRUE(value_of(mounted->space(ctx())).read_only);
  const SourceFile source(to_bytes("new"));
  for (const char* object : {"folder/object", "folder/new", "other/new", "new"}) {
    SCOPED_TRACE(object);
    EXPECT_THAT(put_text(*mounted, ctx(), object, "new"), FailsWith(ErrorCode::kReadOnly));
    EXPECT_THAT(mounted->put_file(ctx(), object, source.whole()), FailsWith(ErrorCode::kReadOnly));
  }
  EXPECT_THAT(mounted->remove(ctx(), "folder/object"), FailsWith(ErrorCode::kReadOnly));
  EXPECT_THAT(mounted->sweep(ctx()), Succeeds()) << "there is nothing to sweep";
  EXPECT_THAT(get_text(*mounted, ctx(), "folder/object"), Gives("text"));
  EXPECT_THAT(list_names(*mounted, ctx()), Gives(ElementsAre("folder/object")));
}

// What is said of a store whose disk is away: nothing about its objects, and nothing is written in its place.
void expect_disk_is_missed(Store& store, const Context& ctx) {
  const auto is_missed = FailsSaying(ErrorCode::kUnavailable, "is its disk mounted?");
  EXPECT_THAT(store.stat(ctx, "folder/object"), is_missed);
  EXPECT_THAT(store.open(ctx, "folder/object"), is_missed);
  RangeRead entry{.object = "folder/object", .into = {}, .if_version = {}, .version = {}};
  EXPECT_THAT(store.read(ctx, {&entry, 1}), Succeeds());
  EXPECT_THAT(entry.got, is_missed);
  EXPECT_THAT(put_text(store, ctx, "folder/object", "new"), is_missed);
  const SourceFile source(to_bytes("new"));
  EXPECT_THAT(store.put_file(ctx, "new", source.whole()), is_missed);
  EXPECT_THAT(store.remove(ctx, "folder/object"), is_missed);
  EXPECT_THAT(store.list(ctx), is_missed);
  EXPECT_THAT(store.space(ctx), is_missed);
  EXPECT_THAT(store.sweep(ctx), is_missed);
}

TEST_P(PosixStoreTest, Disk_that_was_unmounted_is_unavailable_until_it_is_back) {
  const auto filesystem = SmallFilesystem::mount(4 * kMiB);
  if (!filesystem) GTEST_SKIP() << kCannotMount;
  ManualClock clock;
  const Context ctx = Context().with_clock(clock);
  for (const std::string below : {"", "/store"}) {
    const std::string root = filesystem->string() + below;
    SCOPED_TRACE(root);
    fs::create_directory(root);
    const auto mounted =
        value_of(open_store({.name = "disk", .path = root, .meta = {}}, root, {.guard = GetParam(), .clock = &clock}));
    value_of(put_text(*mounted, ctx, "folder/object", "text"));

    const auto lister = value_of(mounted->list(ctx));
    ASSERT_TRUE(filesystem->unmount());
    clock.advance(std::chrono::seconds(1));
    EXPECT_FALSE(lister->next(ctx)) << "the end of a list would be taken for the end of the store";
    expect_disk_is_missed(*mounted, ctx);
    EXPECT_TRUE(fs::is_empty(filesystem->string()));

    ASSERT_TRUE(filesystem->mount_anew());
    fs::create_directory(root);
    EXPECT_THAT(mounted->stat(ctx, "folder/object"), FailsWith(ErrorCode::kNotFound));
    EXPECT_THAT(put_text(*mounted, ctx, "folder/object", "text"), Succeeds());
  }
}

TEST_P(PosixStoreTest, Files_from_another_filesystem_are_copied) {
  const auto filesystem = SmallFilesystem::mount(8 * kMiB);
  if (!filesystem) GTEST_SKIP() << kCannotMount;
  const auto mounted = open(filesystem->string());
  const Bytes bytes = pattern_bytes(1, 3'000'001);
  const SourceFile source(bytes);
  ASSERT_THAT(mounted->put_file(ctx(), "object", source.whole()), Succeeds());
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(*mounted, ctx(), "object"))), "equal");
  ASSERT_THAT(store().copy_from(ctx(), "copy", *mounted, "object"), Succeeds());
  EXPECT_EQ(describe_difference(bytes, value_of(get_bytes(store(), ctx(), "copy"))), "equal");
  EXPECT_NE(value_of(mounted->space(ctx())).filesystem, value_of(store().space(ctx())).filesystem);
}

}  // namespace
}  // namespace scabbard::posix
