#include "store/posix/filesystem_types.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace scabbard::posix {
namespace {

struct KnownType {
  unsigned long magic;
  const char* name;
  bool local;
  bool sync_tells_all;
};

constexpr std::array kKnown = {
    KnownType{0xEF53, "ext4", true, true},  // ext2 and ext3 have the same number
    KnownType{0x58465342, "xfs", true, true},      KnownType{0x9123683E, "btrfs", true, true},
    KnownType{0x01021994, "tmpfs", true, true},    KnownType{0x858458F6, "ramfs", true, true},
    KnownType{0x794C7630, "overlay", true, false}, KnownType{0x2FC12FC1, "zfs", true, false},
    KnownType{0xF2F52010, "f2fs", true, false},    KnownType{0xCA451A4E, "bcachefs", true, false},
    KnownType{0x6969, "nfs", false, false},        KnownType{0x65735546, "fuse", false, false},
    KnownType{0x00C36400, "ceph", false, false},   KnownType{0xFF534D42, "cifs", false, false},
    KnownType{0xFE534D42, "smb2", false, false},   KnownType{0x0BD00BD0, "lustre", false, false},
    KnownType{0x47504653, "gpfs", false, false},   KnownType{0x01161970, "gfs2", false, false},
    KnownType{0x19830326, "beegfs", false, false}, KnownType{0x01021997, "9p", false, false},
};

}  // namespace

FilesystemType filesystem_type(long magic) {
  auto number = static_cast<unsigned long>(magic) & 0xFFFFFFFF;  // f_type is signed and wider on some machines
  auto known = std::ranges::find(kKnown, number, &KnownType::magic);
  if (known == kKnown.end()) return {fmt::format("{:#x}", number), false, false};
  return {known->name, known->local, known->sync_tells_all};
}

}  // namespace scabbard::posix
