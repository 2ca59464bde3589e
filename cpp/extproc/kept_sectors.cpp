#include "extproc/kept_sectors.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/signals_blocked.hpp"

namespace scabbard::extproc {

KeptSectors::KeptSectors(Clock::Duration keep_for) : keep_for_(keep_for) {
  const SignalsBlocked blocked;
  dropping_ = std::jthread([this](const std::stop_token& stop) { drop_expired(stop); });
}

void KeptSectors::keep(const std::string& key, KeptSector sector) {
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(key, Entry{.sector = std::move(sector), .until = Clock::steady().now() + keep_for_});
  changed_.notify_all();
}

std::optional<KeptSector> KeptSectors::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto kept = entries_.extract(key);
  if (kept.empty()) return std::nullopt;
  return std::move(kept.mapped().sector);
}

bool KeptSectors::drop_oldest() {
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return false;
  entries_.erase(oldest());
  return true;
}

KeptSectors::Entries::iterator KeptSectors::oldest() {
  return std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.until; });
}

void KeptSectors::drop_expired(const std::stop_token& stop) {
  const Context ctx = Context().with_cancel(stop);
  std::unique_lock lock(mutex_);
  while (!ctx.ended()) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.until <= ctx.now(); });
    const Context until = entries_.empty() ? ctx : ctx.with_deadline(oldest()->second.until);
    const bool were_none = entries_.empty();
    std::ignore = until.wait(lock, changed_, [&] { return were_none && !entries_.empty(); });
  }
}

}  // namespace scabbard::extproc
