#include "sector/sector_id.hpp"

#include <fmt/core.h>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace scabbard::sector {
namespace {
constexpr std::string_view kBegin = "s-t0";
}  // namespace

Result<SectorId> parse_sector_id(std::string_view text) {
  const std::size_t dash = text.find('-', kBegin.size());
  if (text.starts_with(kBegin) && dash != std::string_view::npos) {
    auto miner = whole_number<std::uint64_t>(text.substr(kBegin.size(), dash - kBegin.size()));
    auto number = whole_number<std::uint64_t>(text.substr(dash + 1));
    // One sector has one name: no further zeros, no signs.
    if (miner && number && to_string({*miner, *number}) == text) return SectorId{*miner, *number};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no sector: s-t01000-7 is number 7 of miner t01000", quote(text)));
}

std::string to_string(const SectorId& id) { return fmt::format("{}{}-{}", kBegin, id.miner, id.number); }

}  // namespace scabbard::sector
