#include "store/s3/checksum.hpp"

#include <algorithm>
#include <array>

namespace scabbard::s3 {
namespace {

struct Names {
  Checksum checksum;
  std::string_view option;
  std::string_view header;
  std::string_view algorithm;
};

constexpr std::array kNames = {
    Names{Checksum::kNone, "none", "", ""},
    Names{Checksum::kMd5, "md5", "content-md5", ""},
    Names{Checksum::kCrc32c, "crc32c", "x-amz-checksum-crc32c", "CRC32C"},
    Names{Checksum::kSha256, "sha256", "x-amz-checksum-sha256", "SHA256"},
    Names{Checksum::kCrc64nvme, "crc64nvme", "x-amz-checksum-crc64nvme", "CRC64NVME"},
};

const Names& names_of(Checksum checksum) { return kNames.at(static_cast<std::size_t>(checksum)); }

}  // namespace

Checksum checksum_of(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &Names::option);
  return found == kNames.end() ? Checksum::kNone : found->checksum;
}

std::string_view header_of(Checksum checksum) { return names_of(checksum).header; }

std::string_view algorithm_of(Checksum checksum) { return names_of(checksum).algorithm; }

bool is_of_whole_object(Checksum checksum) { return checksum == Checksum::kCrc32c || checksum == Checksum::kCrc64nvme; }

}  // namespace scabbard::s3
