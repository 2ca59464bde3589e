// The parts of a multipart upload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "scabbard/error.hpp"

namespace scabbard::s3 {

/// S3's limits; the last part may be smaller.
inline constexpr std::uint64_t kMostParts = 10'000;
inline constexpr std::uint64_t kLeastPart = std::uint64_t{5} << 20;
inline constexpr std::uint64_t kMostPart = std::uint64_t{5} << 30;

/// How an object is cut into parts, and how many of them are in memory at a time.
struct PartPlan {
  std::size_t part_size = 0;
  std::size_t slots = 1;
};
/// For a length (nothing: unknown) and a PartSize (0: none given), where `memory` bytes may be reserved.
/// kInvalidArgument where that does not suffice for at most 10,000 parts.
Result<PartPlan> plan_parts(std::optional<std::uint64_t> length, std::uint64_t part_size, std::size_t memory);

}  // namespace scabbard::s3
