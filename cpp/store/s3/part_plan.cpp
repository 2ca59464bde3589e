#include "store/s3/part_plan.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace scabbard::s3 {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
// Some parts are left over, should the length have been announced too small by the source's growing.
constexpr std::uint64_t kPartsPlanned = 9'000;
constexpr std::size_t kKnownPart = 16 * kMiB;
constexpr std::size_t kUnknownPart = 32 * kMiB;
constexpr std::size_t kKnownSlots = 3;
constexpr std::size_t kUnknownSlots = 4;

std::size_t rounded_up(std::uint64_t size, std::size_t to) { return (size + to - 1) / to * to; }

}  // namespace

Result<PartPlan> plan_parts(std::optional<std::uint64_t> length, std::uint64_t part_size, std::size_t memory) {
  if (length && *length <= (part_size == 0 ? kKnownPart : part_size)) {
    return PartPlan{.part_size = std::max<std::size_t>(*length, 1), .slots = 1};
  }
  std::size_t part = part_size;
  if (part == 0) part = length ? std::max(kKnownPart, rounded_up(*length / kPartsPlanned, kMiB)) : kUnknownPart;
  if (part_size == 0 && part > memory) part = memory / kMiB * kMiB;
  const bool too_many = length && (*length + part - 1) / std::max<std::size_t>(part, 1) > kMostParts;
  if (part < kLeastPart || part > memory || too_many) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the memory of {} bytes for bulk data holds no part of the size needed: raise "
                            "SCABBARD_MEMORY",
                            memory));
  }
  return PartPlan{.part_size = part,
                  .slots = std::clamp<std::size_t>(memory / part, 1, length ? kKnownSlots : kUnknownSlots)};
}

}  // namespace scabbard::s3
