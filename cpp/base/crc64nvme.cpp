#include "base/crc64nvme.hpp"

#include "base/reflected_crc.hpp"

namespace scabbard {
namespace {

using Crc64 = ReflectedCrc<std::uint64_t, 0x9A6C9329AC4BC9B5>;  // 0xAD93D23594C93659, bits reversed

}  // namespace

std::uint64_t crc64nvme(std::span<const std::byte> bytes, std::uint64_t previous) noexcept {
  return ~Crc64::after(~previous, bytes.data(), bytes.size());
}

std::uint64_t crc64nvme_combined(std::uint64_t first, std::uint64_t second, std::uint64_t second_length) noexcept {
  return Crc64::combined(first, second, second_length);
}

}  // namespace scabbard
