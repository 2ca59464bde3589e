// CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum that S3, iSCSI and ext4 use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace scabbard {

/// The sum of `bytes` appended to data whose sum is `previous` (0 for none).
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0) noexcept;

}  // namespace scabbard
