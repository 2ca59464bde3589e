// Which copies ask where their source lies: each such question takes a thread that may be left behind.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "store/posix/posix_store.hpp"
#include "support/intercepting_file_calls.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "support/whole_objects.hpp"

namespace scabbard::posix {
namespace {

class CountingFileCalls final : public InterceptingFileCalls {
 public:
  using InterceptingFileCalls::InterceptingFileCalls;
  int questions() const { return questions_; }

 private:
  long around(const CallSite& site, const Make& make) override {
    if (site.call == Call::kStatfs && site.path.starts_with("/proc/self/fd/")) ++questions_;
    return make(site.length);
  }
  std::atomic<int> questions_ = 0;
};

dev_t device_of(const TemporaryFolder& folder) {
  struct stat status{};
  EXPECT_EQ(::stat(folder.string().c_str(), &status), 0);
  return status.st_dev;
}

class CopyFilesTest : public ::testing::Test {
 protected:
  int questions_for_a_copy() {
    const std::string root = folder_.string();
    const auto store = value_of(open_store({.name = "files", .path = root, .meta = {}}, root, {.calls = &calls_}));
    EXPECT_THAT(store->copy_from({}, "copy", *store, "object"), Succeeds());
    EXPECT_THAT(get_text(*store, {}, "copy"), Gives("text"));
    return calls_.questions();
  }

  TemporaryFolder folder_;
  CountingFileCalls calls_{kernel_calls()};
};

TEST_F(CopyFilesTest, Object_on_the_stores_own_local_filesystem_is_not_asked) {
  std::ofstream(folder_ / "object") << "text";
  EXPECT_EQ(questions_for_a_copy(), 0);
}

TEST_F(CopyFilesTest, Object_that_is_a_link_to_another_filesystem_is_asked) {
  const TemporaryFolder elsewhere(TemporaryFolder::Where::kMemory);
  std::ofstream(elsewhere / "object") << "text";
  std::filesystem::create_symlink(elsewhere / "object", folder_ / "object");
  if (device_of(elsewhere) == device_of(folder_)) GTEST_SKIP() << "there is no other one";
  EXPECT_EQ(questions_for_a_copy(), 1);
}

}  // namespace
}  // namespace scabbard::posix
