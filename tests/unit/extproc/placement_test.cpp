#include "extproc/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::extproc {
namespace {

using ::testing::HasSubstr;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

// The kernel fills a new group with files; a plain folder has to have them before.
void fill_group(const std::filesystem::path& folder) {
  for (auto file : {"cpuset.cpus", "cpuset.mems", "cgroup.procs", "cgroup.subtree_control"}) write(folder / file, "");
}

TEST(PlacementTest, Control_groups_of_version_1_are_found) {
  EXPECT_EQ(find_cpuset_mount("31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
                              "32 31 0:29 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"
                              "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime shared:9 - cgroup cgroup rw,cpuset\n"),
            (CpusetMount{.folder = "/sys/fs/cgroup/cpuset", .is_unified = false}));
}

TEST(PlacementTest, Control_groups_of_version_2_are_found) {
  EXPECT_EQ(find_cpuset_mount("33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                              "32 31 0:29 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"),
            (CpusetMount{.folder = "/sys/fs/cgroup", .is_unified = true}));
}

TEST(PlacementTest, Where_there_are_no_control_groups_none_are_found) {
  EXPECT_EQ(find_cpuset_mount(""), std::nullopt);
  EXPECT_EQ(find_cpuset_mount("- - -\n32 31 0:29 / /a rw -\n1 2 3 4 5 6 - cgroup\n"), std::nullopt);
}

TEST(PlacementTest, Version_1_groups_begin_as_their_parents_are) {
  TemporaryFolder mount;
  write(mount / "cpuset.cpus", "0-7\n");
  write(mount / "cpuset.mems", "0-1\n");
  fill_group(mount / "vc");
  fill_group(mount / "vc/pc2");
  EXPECT_THAT(join_cpuset({.folder = mount.string()}, "vc/pc2", "2,3"), Succeeds());
  EXPECT_EQ(contents(mount / "vc/cpuset.cpus"), "0-7\n");
  EXPECT_EQ(contents(mount / "vc/pc2/cpuset.mems"), "0-1\n");
  EXPECT_EQ(contents(mount / "vc/pc2/cpuset.cpus"), "2,3");
  EXPECT_EQ(contents(mount / "vc/pc2/cgroup.procs"), std::to_string(::getpid()));
}

TEST(PlacementTest, Version_2_groups_are_given_processors_by_their_parents) {
  TemporaryFolder mount;
  fill_group(mount.path());
  fill_group(mount / "vc");
  fill_group(mount / "vc/pc2");
  EXPECT_THAT(join_cpuset({.folder = mount.string(), .is_unified = true}, "vc/pc2", "2,3"), Succeeds());
  EXPECT_EQ(contents(mount / "cgroup.subtree_control"), "+cpuset");
  EXPECT_EQ(contents(mount / "vc/cgroup.subtree_control"), "+cpuset");
  EXPECT_EQ(contents(mount / "vc/pc2/cgroup.subtree_control"), "");
  EXPECT_EQ(contents(mount / "vc/cpuset.cpus"), "");
  EXPECT_EQ(contents(mount / "vc/pc2/cpuset.cpus"), "2,3");
  EXPECT_EQ(contents(mount / "vc/pc2/cgroup.procs"), std::to_string(::getpid()));
}

TEST(PlacementTest, A_group_does_not_leave_the_hierarchy) {
  TemporaryFolder mount;
  for (auto name : {"", "/", "/vc", "vc/", "a//b", "../vc", "vc/..", "."}) {
    EXPECT_THAT(join_cpuset({.folder = mount.string()}, name, "0"), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
  EXPECT_TRUE(std::filesystem::is_empty(mount.path()));
}

TEST(PlacementTest, What_the_kernel_refuses_is_told) {
  TemporaryFolder mount;  // no control groups here
  EXPECT_THAT(join_cpuset({.folder = mount.string(), .is_unified = true}, "vc", "0"),
              FailsSaying(ErrorCode::kIo, "vc/cpuset.cpus: No such file or directory"));
}

TEST(PlacementTest, Memory_comes_from_the_preferred_node) {
  if (!std::filesystem::exists("/proc/self/numa_maps")) GTEST_SKIP() << "a kernel without NUMA";
  std::string maps;
  Result<void> done;
  std::thread([&] {  // the policy is the thread's
    done = prefer_numa_node("0");
    maps = contents("/proc/thread-self/numa_maps");
  })
      .join();
  EXPECT_THAT(done, Succeeds());
  EXPECT_THAT(maps, HasSubstr(" prefer:0 "));
}

TEST(PlacementTest, A_node_that_is_not_there_is_an_error) {
  EXPECT_THAT(prefer_numa_node("1023"), FailsWith(ErrorCode::kIo));
  for (auto node : {"", "one", "-1", "1024", "4294967296"}) {
    EXPECT_THAT(prefer_numa_node(node), FailsWith(ErrorCode::kInvalidArgument)) << node;
  }
}

}  // namespace
}  // namespace scabbard::extproc
