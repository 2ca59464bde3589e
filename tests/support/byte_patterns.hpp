// Bytes for tests: the same for the same seed, different for different seeds at every offset, so that a
// torn, shifted or mixed object never looks whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scabbard {

using Bytes = std::vector<std::byte>;

inline constexpr std::size_t kMiB = std::size_t{1} << 20;

Bytes pattern_bytes(std::uint64_t seed, std::size_t size);

/// The same as numbers of 32 bytes, little-endian, that a replica may have: the two highest bits of each are clear.
Bytes pattern_nodes(std::uint64_t seed, std::size_t size);

Bytes to_bytes(std::string_view text);
std::string to_text(std::span<const std::byte> bytes);

/// `bytes` from `offset` on, at most `length` of them.
Bytes slice(std::span<const std::byte> bytes, std::size_t offset, std::size_t length);

/// Says what differs instead of printing megabytes: "equal", "100 bytes instead of 200", or
/// "first difference at byte 4096 of 8192".
std::string describe_difference(std::span<const std::byte> expected, std::span<const std::byte> actual);

}  // namespace scabbard
