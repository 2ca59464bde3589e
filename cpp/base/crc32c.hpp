// CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum that S3, iSCSI and ext4 use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace scabbard {

/// The sum of `bytes` appended to data whose sum is `previous` (0 for none).
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0) noexcept;

/// The sum of data that consists of two runs, from the sums of both and the length of the second in bytes.
std::uint32_t crc32c_combined(std::uint32_t first, std::uint32_t second, std::uint64_t second_length) noexcept;

}  // namespace scabbard
