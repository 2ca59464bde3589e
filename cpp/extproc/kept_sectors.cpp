#include "extproc/kept_sectors.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/signals_blocked.hpp"

namespace scabbard::extproc {

KeptSectors::KeptSectors(Clock::Duration keep_for, const Context& ctx) : keep_for_(keep_for), ctx_(ctx) {
  const SignalsBlocked blocked;
  dropping_ = std::jthread([this](const std::stop_token& stop) { drop_expired(ctx_.with_cancel(stop)); });
}

void KeptSectors::keep(const std::string& key, KeptSector sector) {
  Entries replaced;  // its files go without the lock, here and below
  const std::lock_guard lock(mutex_);
  replaced.insert(entries_.extract(key));
  entries_.emplace(key, Entry{.sector = std::move(sector), .until = ctx_.now() + keep_for_});
  changed_.notify_all();
}

std::optional<KeptSector> KeptSectors::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto kept = entries_.extract(key);
  if (kept.empty()) return std::nullopt;
  return std::move(kept.mapped().sector);
}

bool KeptSectors::drop_oldest() {
  Entries dropped;
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return false;
  dropped.insert(entries_.extract(oldest()));
  return true;
}

KeptSectors::Entries::iterator KeptSectors::oldest() {
  return std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.until; });
}

void KeptSectors::drop_expired(const Context& ctx) {
  std::unique_lock lock(mutex_);
  while (!ctx.ended()) {
    if (!entries_.empty() && oldest()->second.until <= ctx.now()) {
      auto expired = entries_.extract(oldest());
      lock.unlock();
      expired = {};
      lock.lock();
      continue;
    }
    const Context until = entries_.empty() ? ctx : ctx.with_deadline(oldest()->second.until);
    const bool were_none = entries_.empty();
    std::ignore = until.wait(lock, changed_, [&] { return were_none && !entries_.empty(); });
  }
}

}  // namespace scabbard::extproc
