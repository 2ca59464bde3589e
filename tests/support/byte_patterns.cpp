#include "support/byte_patterns.hpp"

#include <algorithm>
#include <cstring>

namespace scabbard {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): every word depends on seed and position, any seed will do.
std::uint64_t mix(std::uint64_t word) {
  word += 0x9e3779b97f4a7c15U;
  word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9U;
  word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
  return word ^ (word >> 31U);
}

}  // namespace

Bytes pattern_bytes(std::uint64_t seed, std::size_t size) {
  Bytes bytes(size);
  const std::uint64_t start = mix(seed);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = mix(start + at);
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

Bytes pattern_nodes(std::uint64_t seed, std::size_t size) {
  constexpr std::size_t kNode = 32;
  Bytes bytes = pattern_bytes(seed, size);
  for (std::size_t last = kNode - 1; last < size; last += kNode) bytes[last] &= std::byte{0x3f};
  return bytes;
}

Bytes to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string to_text(std::span<const std::byte> bytes) {
  std::string text(bytes.size(), '\0');
  if (!bytes.empty()) std::memcpy(text.data(), bytes.data(), bytes.size());
  return text;
}

Bytes slice(std::span<const std::byte> bytes, std::size_t offset, std::size_t length) {
  if (offset >= bytes.size()) return {};
  const auto part = bytes.subspan(offset, std::min(length, bytes.size() - offset));
  return {part.begin(), part.end()};
}

std::string describe_difference(std::span<const std::byte> expected, std::span<const std::byte> actual) {
  if (expected.size() != actual.size()) {
    return std::to_string(actual.size()) + " bytes instead of " + std::to_string(expected.size());
  }
  const auto at = std::ranges::mismatch(expected, actual).in1 - expected.begin();
  if (static_cast<std::size_t>(at) == expected.size()) return "equal";
  return "first difference at byte " + std::to_string(at) + " of " + std::to_string(expected.size());
}

}  // namespace scabbard
