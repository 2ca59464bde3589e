// CRC-64/NVME (NVM Command Set specification 1.0, 5.2.1.3.4): the checksum that AWS adds to an object by default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace scabbard {

/// The sum of `bytes` appended to data whose sum is `previous` (0 for none).
std::uint64_t crc64nvme(std::span<const std::byte> bytes, std::uint64_t previous = 0) noexcept;

/// The sum of data that consists of two runs, from the sums of both and the length of the second in bytes.
std::uint64_t crc64nvme_combined(std::uint64_t first, std::uint64_t second, std::uint64_t second_length) noexcept;

}  // namespace scabbard
