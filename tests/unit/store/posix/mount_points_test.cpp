// Which mount point a path lies on, by the kernel's table.
#include "store/posix/mount_points.hpp"

#include <gtest/gtest.h>

namespace scabbard::posix {
namespace {

constexpr std::string_view kTable =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "30 22 0:25 / /mnt/disk rw shared:2 master:1 - xfs /dev/sdb rw\n"
    "31 30 0:26 / /mnt/disk/inner rw - nfs server:/x rw\n"
    "32 22 0:27 / /mnt/a\\040b rw - tmpfs none rw\n"
    "malformed\n"
    "33 22 0:28 / /mnt/last rw - tmpfs none rw";

TEST(MountPointTest, Is_the_nearest_one_above) {
  EXPECT_EQ(mount_point_of("/data/store", kTable), "/");
  EXPECT_EQ(mount_point_of("/mnt/disk", kTable), "/mnt/disk");
  EXPECT_EQ(mount_point_of("/mnt/disk/store/sealed", kTable), "/mnt/disk");
  EXPECT_EQ(mount_point_of("/mnt/disk/inner/store", kTable), "/mnt/disk/inner");
  EXPECT_EQ(mount_point_of("/mnt/last/store", kTable), "/mnt/last");
}

TEST(MountPointTest, Is_a_whole_folder_and_not_the_beginning_of_a_name) {
  EXPECT_EQ(mount_point_of("/mnt/disk2/store", kTable), "/");
}

TEST(MountPointTest, With_a_space_is_found) { EXPECT_EQ(mount_point_of("/mnt/a b/store", kTable), "/mnt/a b"); }

TEST(MountPointTest, Of_this_machine_is_one_of_its_table) {
  EXPECT_EQ(mount_point_of("/proc/self"), "/proc");
  EXPECT_EQ(mount_point_of("/", ""), "/");
}

}  // namespace
}  // namespace scabbard::posix
