#include "base/crc32c.hpp"

#include <array>
#include <cstring>

#include "base/reflected_crc.hpp"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace scabbard {
namespace {

using Crc32 = ReflectedCrc<std::uint32_t, 0x82F63B78>;  // 0x1EDC6F41, bits reversed

#if defined(__x86_64__)

// The crc32 instruction takes three cycles and can start one each cycle, so three independent streams keep
// it busy. Joining them means moving a sum past kStride zero bytes, which is linear: one table look-up per
// byte of the sum.
constexpr std::size_t kStride = 1024;

std::array<Crc32::Table, 4> make_shift_tables() {
  std::array<Crc32::Table, 4> tables{};
  for (std::size_t position = 0; position < 4; ++position) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t sum = byte << (8 * position);
      for (std::size_t i = 0; i < kStride; ++i) sum = Crc32::after_byte(sum, 0);
      tables[position][byte] = sum;
    }
  }
  return tables;
}

const auto& shift_tables() {
  static const auto tables = make_shift_tables();
  return tables;
}

std::uint32_t shift_past_stride(std::uint32_t sum) {
  const auto& tables = shift_tables();
  return tables[0][sum & 0xFF] ^ tables[1][(sum >> 8) & 0xFF] ^ tables[2][(sum >> 16) & 0xFF] ^ tables[3][sum >> 24];
}

std::uint64_t load64(const std::byte* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t sum_sse42(std::uint32_t sum, const std::byte* data, std::size_t size) {
  std::uint64_t first = sum;
  while (size >= 3 * kStride) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kStride; i += 8) {
      first = _mm_crc32_u64(first, load64(data + i));
      second = _mm_crc32_u64(second, load64(data + kStride + i));
      third = _mm_crc32_u64(third, load64(data + 2 * kStride + i));
    }
    first = shift_past_stride(static_cast<std::uint32_t>(first)) ^ second;
    first = shift_past_stride(static_cast<std::uint32_t>(first)) ^ third;
    data += 3 * kStride;
    size -= 3 * kStride;
  }
  for (; size >= 8; data += 8, size -= 8) first = _mm_crc32_u64(first, load64(data));
  auto rest = static_cast<std::uint32_t>(first);
  for (; size > 0; ++data, --size) rest = _mm_crc32_u8(rest, static_cast<std::uint8_t>(*data));
  return rest;
}

#endif

}  // namespace

std::uint32_t crc32c_combined(std::uint32_t first, std::uint32_t second, std::uint64_t second_length) noexcept {
  return Crc32::combined(first, second, second_length);
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~sum_sse42(~previous, bytes.data(), bytes.size());
#endif
  return ~Crc32::after(~previous, bytes.data(), bytes.size());
}

}  // namespace scabbard
