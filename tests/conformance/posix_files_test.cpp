// What a folder of files can hold beside whole objects, and what becomes of modes, folders and holes.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "conformance/posix_store_test.hpp"
#include "support/byte_patterns.hpp"
#include "support/source_file.hpp"

namespace scabbard::posix {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

TEST_P(PosixStoreTest, Object_is_a_file_of_its_name) {
  value_of(put("sealed/s-t01000-7", "text"));
  EXPECT_EQ(read_file(path("sealed/s-t01000-7")), "text");
  EXPECT_EQ(store().location("sealed/s-t01000-7"), path("sealed/s-t01000-7"));
  EXPECT_EQ(store().location(""), folder().string());
  EXPECT_EQ(store().scheme(), "file");
  EXPECT_TRUE(store().capabilities().local_files);
  EXPECT_TRUE(store().capabilities().exclusive_create);
}

TEST_P(PosixStoreTest, File_that_somebody_else_wrote_is_an_object) {
  write_file(path("cache/s-t01000-7/p_aux"), "text");
  EXPECT_THAT(get("cache/s-t01000-7/p_aux"), Gives("text"));
  EXPECT_THAT(names(), Gives(ElementsAre("cache/s-t01000-7/p_aux")));
}

TEST_P(PosixStoreTest, Things_that_are_no_files_are_no_objects_and_never_hang) {
  fs::create_directory(path("folder"));
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0644), 0);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string socket_path = path("socket");
  ASSERT_LT(socket_path.size(), sizeof address.sun_path);
  std::strcpy(address.sun_path, socket_path.c_str());
  ASSERT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (const char* object : {"folder", "fifo", "socket"}) {
    SCOPED_TRACE(object);
    EXPECT_THAT(store().stat(ctx(), object), FailsWith(ErrorCode::kNotRegularFile));
    EXPECT_THAT(store().open(ctx(), object), FailsWith(ErrorCode::kNotRegularFile));
    EXPECT_THAT(put(object, "text"), FailsWith(ErrorCode::kNotRegularFile));
    Bytes into(4);
    RangeRead entry{.object = object, .into = into, .if_version = {}, .version = {}};
    EXPECT_THAT(store().read(ctx(), {&entry, 1}), Succeeds());
    EXPECT_THAT(entry.got, FailsWith(ErrorCode::kNotRegularFile));
    EXPECT_THAT(store().copy_from(ctx(), "copy", store(), object), FailsWith(ErrorCode::kNotRegularFile));
    EXPECT_THAT(store().remove(ctx(), object), FailsWith(ErrorCode::kNotRegularFile));
    EXPECT_TRUE(fs::exists(path(object)));
  }
  EXPECT_THAT(names(), Gives(IsEmpty()));
  EXPECT_THAT(temporaries_below(path("")), IsEmpty());
  ::close(listening);
}

TEST_P(PosixStoreTest, Folders_are_made_as_they_are_needed_but_never_the_root) {
  EXPECT_THAT(put("a/b/c/object", "text"), Succeeds());
  EXPECT_TRUE(fs::is_directory(path("a/b/c")));
  fs::remove_all(path(""));
  EXPECT_THAT(put("a/object", "text"), FailsWith(ErrorCode::kUnavailable));
  EXPECT_THAT(put("object", "text"), FailsWith(ErrorCode::kUnavailable));
  EXPECT_FALSE(fs::exists(path("")));
}

// As damocles' own filestore writes, and whatever maps a file.
TEST_P(PosixStoreTest, File_written_in_place_while_it_is_read_is_changed) {
  const Bytes old = pattern_bytes(1, 1'000'000);
  value_of(put_bytes(store(), ctx(), "object", old));
  const auto reader = value_of(store().open(ctx(), "object"));
  Bytes begin(1000);
  EXPECT_THAT(reader->read(ctx(), begin), Gives(1000U));
  {
    std::fstream file(path("object"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(500'000);
    file << "something else";
  }
  fs::last_write_time(path("object"), fs::last_write_time(path("object")) + 1s);  // clocks of files are coarse
  EXPECT_THAT(read_rest(*reader, ctx()), FailsWith(ErrorCode::kChanged));
  EXPECT_THAT(reader->read_at(ctx(), 0, begin), FailsWith(ErrorCode::kChanged));
  const SourceFile target;
  EXPECT_THAT(reader->copy_to(ctx(), target.descriptor()), FailsWith(ErrorCode::kChanged));
  EXPECT_THAT(get("object"), Succeeds()) << "whoever opens it now reads the new content";
}

TEST_P(PosixStoreTest, New_content_of_a_private_file_is_private_while_it_is_written) {
  value_of(put("object", "old"));
  ASSERT_EQ(::chmod(path("object").c_str(), 0600), 0);
  const auto writer = value_of(store().create(ctx(), "object"));
  const auto temporaries = temporaries_below(path(""));
  ASSERT_EQ(temporaries.size(), 1U);
  EXPECT_EQ(mode_of(temporaries.front()), 0600U);
}

TEST_P(PosixStoreTest, Put_into_a_folder_that_is_removed_meanwhile_is_not_a_missing_object) {
  const auto writer = value_of(store().create(ctx(), "folder/object"));
  value_of(writer->write(ctx(), to_bytes("text")));
  fs::remove_all(path("folder"));
  EXPECT_THAT(writer->finish(ctx()), FailsWith(ErrorCode::kUnavailable));
}

// The caller's locks on a file go when any descriptor of it is closed.
TEST_P(PosixStoreTest, Put_of_a_file_keeps_the_callers_locks_on_it) {
  const SourceFile source(pattern_bytes(1, 10'000));
  struct flock whole{};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(source.descriptor(), F_SETLK, &whole), 0);
  EXPECT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  std::ifstream locks("/proc/locks");
  const std::string all{std::istreambuf_iterator<char>(locks), {}};
  EXPECT_THAT(all, ::testing::HasSubstr("POSIX  ADVISORY  WRITE " + std::to_string(::getpid())));
}

TEST_P(PosixStoreTest, Mode_of_a_replaced_file_stays) {
  for (const mode_t mode : {0640U, 0600U, 0664U, 0444U}) {
    value_of(put("object", "old"));
    ASSERT_EQ(::chmod(path("object").c_str(), mode), 0);
    EXPECT_THAT(put("object", "new"), Succeeds());
    EXPECT_EQ(mode_of(path("object")), mode);
    const SourceFile source(to_bytes("newer"));
    EXPECT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
    EXPECT_EQ(mode_of(path("object")), mode);
    EXPECT_THAT(store().remove(ctx(), "object"), Succeeds());
  }
}

TEST_P(PosixStoreTest, Mode_of_a_new_file_is_644_less_the_umask) {
  const mode_t before = ::umask(027);
  const auto written = put("folder/object", "text");
  ::umask(before);
  ASSERT_THAT(written, Succeeds());
  EXPECT_EQ(mode_of(path("folder/object")), 0640U);
  EXPECT_EQ(mode_of(path("folder")), 0750U);
}

TEST_P(PosixStoreTest, Owner_of_a_replaced_file_stays_where_that_is_possible) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  value_of(put("object", "old"));
  ASSERT_EQ(::chown(path("object").c_str(), 1234, 2345), 0);
  EXPECT_THAT(put("object", "new"), Succeeds());
  struct stat status{};
  ASSERT_EQ(::stat(path("object").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234U);
  EXPECT_EQ(status.st_gid, 2345U);
}

TEST_P(PosixStoreTest, Store_file_and_temporaries_are_hidden_and_kept) {
  write_file(path("sectorstore.json"), "{}");
  write_file(path("below/sectorstore.json"), "{}");
  write_file(path(".scabbard-tmp-elsewhere-1-1"), "of another host");
  write_file(path("below/.scabbard-tmp-elsewhere-1-1"), "of another host");
  write_file(path(".scabbard/s-t01000-7.json"), "manifest");
  EXPECT_THAT(names(), Gives(ElementsAre(".scabbard/s-t01000-7.json", "below/sectorstore.json")));
  EXPECT_THAT(store().remove(ctx(), "sectorstore.json"), FailsWith(ErrorCode::kInvalidPath));
  const auto swept = store().sweep(ctx());
  ASSERT_THAT(swept, Succeeds());
  EXPECT_EQ(swept->files, 0U) << "other hosts may be writing still";
  EXPECT_TRUE(fs::exists(path(".scabbard-tmp-elsewhere-1-1")));
  EXPECT_EQ(read_file(path("sectorstore.json")), "{}");
}

TEST_P(PosixStoreTest, Files_that_only_look_like_leftovers_of_this_host_are_swept_without_harm_to_others) {
  value_of(put("folder/object", "text"));
  write_file(path("folder/.scabbard-tmp"), "not quite the prefix");
  write_file(path("folder/x.scabbard-tmp-1"), "not in front");
  EXPECT_THAT(store().sweep(ctx()), Succeeds());
  EXPECT_THAT(names(), Gives(ElementsAre("folder/.scabbard-tmp", "folder/object", "folder/x.scabbard-tmp-1")));
}

TEST_P(PosixStoreTest, Holes_of_a_source_stay_holes) {
  SourceFile source;
  source.write(8 * kMiB, pattern_bytes(1, 4096));
  source.resize(64 * kMiB);
  ASSERT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds());
  EXPECT_EQ(fs::file_size(path("object")), 64 * kMiB);
  EXPECT_LT(allocated_blocks(path("object")), 2 * kMiB / 512);
  value_of(store().copy_from(ctx(), "copy", store(), "object"));
  EXPECT_LT(allocated_blocks(path("copy")), 2 * kMiB / 512);
}

TEST_P(PosixStoreTest, Reader_of_a_file_that_is_cut_short_says_that_it_changed) {
  value_of(put_bytes(store(), ctx(), "object", pattern_bytes(1, 100'000)));
  const auto reader = value_of(store().open(ctx(), "object"));
  ASSERT_EQ(::truncate(path("object").c_str(), 50'000), 0);
  EXPECT_THAT(read_rest(*reader, ctx()), FailsWith(ErrorCode::kChanged));
}

TEST_P(PosixStoreTest, Space_is_that_of_the_filesystem) {
  const auto space = store().space(ctx());
  ASSERT_THAT(space, Succeeds());
  const auto expected = fs::space(path(""));
  EXPECT_EQ(space->total, expected.capacity);
  EXPECT_NEAR(static_cast<double>(space->free), static_cast<double>(expected.available), 1e9);
  fs::create_directory(path("other"));
  EXPECT_EQ(value_of(open(path("other"))->space(ctx())).filesystem, space->filesystem);
}

TEST_P(PosixStoreTest, Opening_what_cannot_be_a_store) {
  write_file(path("file"), "text");
  const auto try_open = [&](const std::string& root) {
    return open_store({.name = "none", .path = root, .meta = {}}, root, {.guard = GetParam()});
  };
  EXPECT_THAT(try_open(path("missing")), FailsSaying(ErrorCode::kNotFound, "missing"));
  EXPECT_THAT(try_open(path("file")), FailsSaying(ErrorCode::kInvalidArgument, "file"));
  EXPECT_THAT(try_open(path("file/below")),
              ::testing::AnyOf(FailsWith(ErrorCode::kInvalidArgument), FailsWith(ErrorCode::kNotFound)));
}

}  // namespace
}  // namespace scabbard::posix
