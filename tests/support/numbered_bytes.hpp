// Content that says itself which one it is and whether it is whole, for tests that cannot know beforehand.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "support/byte_patterns.hpp"

namespace scabbard {

inline constexpr std::size_t kLeastNumberedBytes = 16;

/// `size` bytes, at least kLeastNumberedBytes: number, size, and a pattern of the number.
Bytes numbered_bytes(std::uint64_t number, std::size_t size);

/// The number of whole content; nothing where it is torn, cut short or mixed.
std::optional<std::uint64_t> number_of(std::span<const std::byte> bytes);

}  // namespace scabbard
