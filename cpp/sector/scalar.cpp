#include "sector/scalar.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "sector/tree_layout.hpp"

namespace scabbard::sector {
namespace {

// The order, the most significant byte first.
constexpr std::array<std::uint8_t, kNodeSize> kOrder = {
    0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39, 0xd8, 0x08, 0x09, 0xa1, 0xd8, 0x05,
    0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01};

bool is_scalar(std::span<const std::byte, kNodeSize> node) {
  const auto top = std::to_integer<std::uint8_t>(node.back());
  if (top != kOrder.front()) return top < kOrder.front();
  for (std::size_t i = 1; i < kOrder.size(); ++i) {
    const auto byte = std::to_integer<std::uint8_t>(node[kNodeSize - 1 - i]);
    if (byte != kOrder[i]) return byte < kOrder[i];
  }
  return false;
}

}  // namespace

std::optional<std::size_t> first_that_is_no_scalar(std::span<const std::byte> bytes) {
  for (std::size_t begin = 0; begin + kNodeSize <= bytes.size(); begin += kNodeSize) {
    if (!is_scalar(bytes.subspan(begin).first<kNodeSize>())) return begin;
  }
  return std::nullopt;
}

}  // namespace scabbard::sector
