// The model filesystem forgets exactly what POSIX lets a filesystem forget.
#include "support/model_filesystem.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "support/byte_patterns.hpp"

namespace scabbard::posix {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Eq;
using ::testing::Optional;
using ::testing::SizeIs;

const std::string kRoot = "/model";
const Bytes kBytes = pattern_bytes(5, 10'000);

std::optional<Bytes> content(FileCalls& calls, const std::string& path) {
  const int fd = calls.open(path, O_RDONLY, 0);
  if (fd < 0) return std::nullopt;
  Bytes bytes(100'000);
  bytes.resize(static_cast<std::size_t>(calls.pread(fd, bytes, 0)));
  calls.close(fd);
  return bytes;
}

class ModelFilesystemTest : public ::testing::Test {
 protected:
  // A new file with these bytes, open and unsynced.
  int write(const std::string& path, const Bytes& bytes = kBytes) {
    const int fd = model_.open(path, O_WRONLY | O_CREAT, 0644);
    EXPECT_GE(fd, 0);
    EXPECT_EQ(model_.pwrite(fd, bytes, 0), static_cast<ssize_t>(bytes.size()));
    return fd;
  }

  int sync(const std::string& path) {
    const int fd = model_.open(path, O_RDONLY, 0);
    const int result = model_.fsync(fd);
    model_.close(fd);
    return result;
  }

  // What a file could hold after a power cut now.
  std::vector<std::optional<Bytes>> after_crash(const std::string& path) const {
    std::vector<std::optional<Bytes>> contents;
    for (const auto& image : model_.crash_images()) {
      ModelFilesystem machine(image);
      contents.push_back(content(machine, path));
    }
    return contents;
  }

  ModelFilesystem model_{{kRoot}};
};

TEST_F(ModelFilesystemTest, What_was_written_can_be_read) {
  const int fd = write(kRoot + "/file");
  EXPECT_THAT(content(model_, kRoot + "/file"), Optional(kBytes));
  struct stat status;
  EXPECT_EQ(model_.fstat(fd, status), 0);
  EXPECT_EQ(status.st_size, 10'000);
  EXPECT_TRUE(S_ISREG(status.st_mode));
  EXPECT_EQ(status.st_nlink, 1U);
}

TEST_F(ModelFilesystemTest, Unsynced_file_may_be_lost_or_torn) {
  write(kRoot + "/file");
  const auto contents = after_crash(kRoot + "/file");
  EXPECT_THAT(contents, Contains(Eq(std::nullopt)));
  EXPECT_THAT(contents, Contains(Optional(Bytes{})));
  EXPECT_THAT(contents, Contains(Optional(Bytes(10'000))));  // zeros
  EXPECT_THAT(contents, Contains(Optional(SizeIs(8192))));
  EXPECT_THAT(contents, Contains(Optional(kBytes)));
}

TEST_F(ModelFilesystemTest, Synced_file_without_a_synced_name_may_be_lost_but_not_torn) {
  ASSERT_EQ(model_.fsync(write(kRoot + "/file")), 0);
  EXPECT_THAT(after_crash(kRoot + "/file"), ::testing::UnorderedElementsAre(Eq(std::nullopt), Optional(kBytes)));
}

TEST_F(ModelFilesystemTest, Name_is_not_synced_with_the_file_nor_the_file_with_the_name) {
  write(kRoot + "/file");
  ASSERT_EQ(sync(kRoot), 0);
  EXPECT_THAT(after_crash(kRoot + "/file"),
              AllOf(Contains(Optional(Bytes{})), ::testing::Not(Contains(Eq(std::nullopt)))));
}

TEST_F(ModelFilesystemTest, Synced_file_and_name_survive) {
  ASSERT_EQ(model_.fsync(write(kRoot + "/file")), 0);
  ASSERT_EQ(sync(kRoot), 0);
  EXPECT_THAT(after_crash(kRoot + "/file"), Each(Optional(kBytes)));
}

TEST_F(ModelFilesystemTest, Synced_folder_without_a_synced_parent_may_be_lost) {
  ASSERT_EQ(model_.make_directory(kRoot + "/folder", 0755), 0);
  ASSERT_EQ(model_.fsync(write(kRoot + "/folder/file")), 0);
  ASSERT_EQ(sync(kRoot + "/folder"), 0);
  EXPECT_THAT(after_crash(kRoot + "/folder/file"), Contains(Eq(std::nullopt)));
  ASSERT_EQ(sync(kRoot), 0);
  EXPECT_THAT(after_crash(kRoot + "/folder/file"), Each(Optional(kBytes)));
}

TEST_F(ModelFilesystemTest, Unsynced_rename_is_done_or_not_done) {
  const Bytes old = pattern_bytes(6, 100);
  ASSERT_EQ(model_.fsync(write(kRoot + "/file", old)), 0);
  ASSERT_EQ(model_.fsync(write(kRoot + "/temporary")), 0);
  ASSERT_EQ(sync(kRoot), 0);
  ASSERT_EQ(model_.rename(kRoot + "/temporary", kRoot + "/file"), 0);
  EXPECT_THAT(after_crash(kRoot + "/file"), ::testing::UnorderedElementsAre(Optional(old), Optional(kBytes)));
  EXPECT_THAT(after_crash(kRoot + "/temporary"), ::testing::UnorderedElementsAre(Eq(std::nullopt), Optional(kBytes)));
}

TEST_F(ModelFilesystemTest, Unsynced_removal_may_be_undone) {
  ASSERT_EQ(model_.fsync(write(kRoot + "/file")), 0);
  ASSERT_EQ(sync(kRoot), 0);
  ASSERT_EQ(model_.unlink(kRoot + "/file"), 0);
  EXPECT_EQ(content(model_, kRoot + "/file"), std::nullopt);
  EXPECT_THAT(after_crash(kRoot + "/file"), Contains(Optional(kBytes)));
  ASSERT_EQ(sync(kRoot), 0);
  EXPECT_THAT(after_crash(kRoot + "/file"), Each(Eq(std::nullopt)));
}

TEST_F(ModelFilesystemTest, Failed_sync_loses_the_data_and_the_next_one_lies) {
  const int fd = write(kRoot + "/file");
  ASSERT_EQ(sync(kRoot), 0);
  model_.fail_fsync(1, EIO);
  EXPECT_EQ(model_.fsync(fd), -EIO);
  EXPECT_EQ(model_.fsync(fd), 0);
  EXPECT_THAT(content(model_, kRoot + "/file"), Optional(kBytes)) << "it still can be read";
  EXPECT_THAT(after_crash(kRoot + "/file"), Contains(Optional(Bytes{})));
  // Written again it is dirty again.
  ASSERT_EQ(model_.pwrite(fd, kBytes, 0), 10'000);
  ASSERT_EQ(model_.truncate(fd, 9'999), 0);
  EXPECT_EQ(model_.fsync(fd), 0);
  EXPECT_THAT(after_crash(kRoot + "/file"), Each(Optional(slice(kBytes, 0, 9'999))));
}

TEST_F(ModelFilesystemTest, Locks_exclude_and_end_with_their_descriptor) {
  const int first = write(kRoot + "/file");
  const int second = model_.open(kRoot + "/file", O_RDONLY, 0);
  EXPECT_EQ(model_.lock(first), 0);
  EXPECT_EQ(model_.lock(second), -EWOULDBLOCK);
  model_.close(first);
  EXPECT_EQ(model_.lock(second), 0);
}

TEST_F(ModelFilesystemTest, Errors_are_those_of_the_kernel) {
  write(kRoot + "/file");
  ASSERT_EQ(model_.make_directory(kRoot + "/folder", 0755), 0);
  ASSERT_EQ(model_.make_symlink("loop", kRoot + "/loop"), 0);
  struct stat status;
  std::string target;
  EXPECT_EQ(model_.stat(kRoot + "/missing", status), -ENOENT);
  EXPECT_EQ(model_.stat(kRoot + "/file/below", status), -ENOTDIR);
  EXPECT_EQ(model_.stat(kRoot + "/loop", status), -ELOOP);
  EXPECT_EQ(model_.read_link(kRoot + "/file", target), -EINVAL);
  EXPECT_EQ(model_.open(kRoot + "/file", O_WRONLY | O_CREAT | O_EXCL, 0644), -EEXIST);
  EXPECT_EQ(model_.open(kRoot + "/folder", O_WRONLY, 0), -EISDIR);
  EXPECT_EQ(model_.open(kRoot + "/file", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
  EXPECT_EQ(model_.rename_no_replace(kRoot + "/file", kRoot + "/folder"), -EEXIST);
  EXPECT_EQ(model_.link(kRoot + "/file", kRoot + "/folder"), -EEXIST);
  EXPECT_EQ(model_.unlink(kRoot + "/folder"), -EISDIR);
  EXPECT_EQ(model_.make_directory(kRoot + "/missing/below", 0755), -ENOENT);
  EXPECT_EQ(model_.read_link(kRoot + "/loop", target), 0);
  EXPECT_EQ(target, "loop");
}

TEST_F(ModelFilesystemTest, Symlinks_lead_where_they_say) {
  ASSERT_EQ(model_.make_directory(kRoot + "/a", 0755), 0);
  ASSERT_EQ(model_.make_directory(kRoot + "/b", 0755), 0);
  ASSERT_EQ(model_.make_symlink("../b/file", kRoot + "/a/relative"), 0);
  ASSERT_EQ(model_.make_symlink(kRoot + "/b", kRoot + "/a/absolute"), 0);
  write(kRoot + "/a/relative");  // creates the target
  EXPECT_THAT(content(model_, kRoot + "/b/file"), Optional(kBytes));
  EXPECT_THAT(content(model_, kRoot + "/a/absolute/file"), Optional(kBytes));
}

TEST_F(ModelFilesystemTest, Number_of_a_removed_file_is_given_to_the_next) {
  struct stat first;
  struct stat second;
  model_.close(write(kRoot + "/first"));
  ASSERT_EQ(model_.stat(kRoot + "/first", first), 0);
  ASSERT_EQ(model_.unlink(kRoot + "/first"), 0);
  write(kRoot + "/second");
  ASSERT_EQ(model_.stat(kRoot + "/second", second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
}

}  // namespace
}  // namespace scabbard::posix
