#include "support/numbered_bytes.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace scabbard {

Bytes numbered_bytes(std::uint64_t number, std::size_t size) {
  Bytes bytes = pattern_bytes(number, size);
  const std::array<std::uint64_t, 2> head = {number, size};
  std::memcpy(bytes.data(), head.data(), sizeof head);
  return bytes;
}

std::optional<std::uint64_t> number_of(std::span<const std::byte> bytes) {
  std::array<std::uint64_t, 2> head{};
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(head.data(), bytes.data(), sizeof head);
  if (head[1] != bytes.size() || !std::ranges::equal(numbered_bytes(head[0], bytes.size()), bytes)) return std::nullopt;
  return head[0];
}

}  // namespace scabbard
