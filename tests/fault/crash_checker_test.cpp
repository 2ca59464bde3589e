// The checker itself: writers that are wrong on purpose, each in the way that one rule of durable writing
// forbids, must be found out; the one that keeps all rules must not.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "fault/crash_history.hpp"
#include "store/object_name.hpp"
#include "store/posix/durable_file.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::posix {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Bytes kOldBytes = pattern_bytes(3, 9'000);
const Bytes kNewBytes = pattern_bytes(4, 21'000);

// What a careless writer leaves out.
struct Careless {
  bool syncs_data = true;
  bool syncs_folder = true;
  bool syncs_parents = true;
  bool in_place = false;
  bool retries_failed_sync = false;
  std::string temporaries = temporary_prefix_of_host();
};

class CrashChecker : public ::testing::Test {
 protected:
  bool sync_folder(const std::string& path) {
    const int folder = model_.open(path, O_RDONLY | O_DIRECTORY, 0);
    if (folder < 0) return false;
    const int result = model_.fsync(folder);
    model_.close(folder);
    return result == 0;
  }

  bool write(const std::string& folder, const std::string& name, const Bytes& bytes, const Careless& careless) {
    const std::string in = folder.empty() ? root_ : root_ + "/" + folder;
    const std::string target = in + "/" + name;
    const std::string temporary = careless.in_place ? target : in + "/" + careless.temporaries + name;
    if (!folder.empty()) model_.make_directory(in, 0755);
    const int fd = model_.open(temporary, O_WRONLY | O_CREAT | (careless.in_place ? O_TRUNC : O_EXCL), 0644);
    if (fd < 0) return false;
    const auto half = static_cast<off_t>(bytes.size() / 2);
    model_.pwrite(fd, std::span(bytes).first(bytes.size() / 2), 0);
    model_.pwrite(fd, std::span(bytes).subspan(bytes.size() / 2), half);
    if (careless.syncs_data && model_.fsync(fd) < 0) {
      if (!careless.retries_failed_sync || model_.fsync(fd) < 0) {
        model_.close(fd);
        model_.unlink(temporary);
        return false;
      }
    }
    model_.close(fd);
    if (!careless.in_place && model_.rename(temporary, target) < 0) return false;
    if (careless.syncs_folder && !sync_folder(in)) return false;
    return folder.empty() || !careless.syncs_parents || sync_folder(root_);
  }

  bool put(const std::string& folder, const std::string& name, const Bytes& bytes, const Careless& careless) {
    return history_.step("put", folder.empty() ? name : folder + "/" + name, bytes,
                         [&] { return write(folder, name, bytes, careless); });
  }

  TemporaryFolder folder_;
  std::string root_ = folder_.string();
  ModelFilesystem model_{{root_}};
  CrashHistory history_{model_, root_};
};

TEST_F(CrashChecker, Careful_writer_passes) {
  EXPECT_TRUE(put("", "a", kOldBytes, {}));
  EXPECT_TRUE(put("", "a", kNewBytes, {}));
  EXPECT_TRUE(put("folder", "b", kNewBytes, {}));
  EXPECT_THAT(history_.violations(), IsEmpty());
}

TEST_F(CrashChecker, Rename_without_sync_is_found_out) {
  EXPECT_TRUE(put("", "a", kOldBytes, {}));
  EXPECT_TRUE(put("", "a", kNewBytes, {.syncs_data = false}));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("a is ")));
}

TEST_F(CrashChecker, Missing_sync_of_the_folder_is_found_out) {
  EXPECT_TRUE(put("", "a", kNewBytes, {.syncs_folder = false}));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("a is missing")));
}

TEST_F(CrashChecker, Missing_sync_of_the_parent_of_a_new_folder_is_found_out) {
  EXPECT_TRUE(put("folder", "a", kNewBytes, {.syncs_parents = false}));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("folder/a is missing")));
}

TEST_F(CrashChecker, Writing_in_place_is_found_out) {
  EXPECT_TRUE(put("", "a", kOldBytes, {}));
  EXPECT_TRUE(put("", "a", kNewBytes, {.in_place = true}));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("not what it was before or after")));
}

TEST_F(CrashChecker, Trying_a_failed_sync_again_is_found_out) {
  EXPECT_TRUE(put("", "a", kOldBytes, {}));
  model_.fail_fsync(1, EIO);
  EXPECT_TRUE(put("", "a", kNewBytes, {.retries_failed_sync = true}));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("acknowledged")));
}

TEST_F(CrashChecker, Temporary_that_is_listed_is_found_out) {
  EXPECT_TRUE(put("", "a", kNewBytes, {.temporaries = ".part-"}));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("the listing has")));
}

TEST_F(CrashChecker, Temporary_that_no_sweep_removes_is_found_out) {
  EXPECT_TRUE(put("", "a", kNewBytes, {.temporaries = std::string(kTemporaryPrefix) + "another-host-"}));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("the sweep leaves")));
}

TEST_F(CrashChecker, Removal_without_sync_is_found_out) {
  EXPECT_TRUE(put("", "a", kOldBytes, {}));
  EXPECT_TRUE(history_.step("remove", "a", std::nullopt, [&] { return model_.unlink(root_ + "/a") == 0; }));
  EXPECT_THAT(history_.violations(), Contains(HasSubstr("a is 9000 bytes, not missing")));
}

}  // namespace
}  // namespace scabbard::posix
