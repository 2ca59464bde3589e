#include "net/outage.hpp"

#include <utility>

namespace scabbard::net {
namespace {
constexpr auto kBetweenProbes = std::chrono::seconds(2);
constexpr auto kUnnoticed = std::chrono::seconds(2);
constexpr auto kBetweenNotices = std::chrono::minutes(1);
// Longer than a call waits for an answer and for its next attempt.
constexpr auto kQuietUntilOver = std::chrono::minutes(1);
}  // namespace

bool Outage::answered() {
  if (!under_way_.load(std::memory_order_relaxed)) return false;
  std::lock_guard lock(mutex_);
  under_way_ = false;
  return std::exchange(since_, std::nullopt).has_value();
}

void Outage::failed(Clock::Time now, const std::string& reason) {
  std::lock_guard lock(mutex_);
  if (!since_ || is_forgotten(now)) since_ = now;
  last_failure_ = now;
  under_way_ = true;
  reason_ = reason;
}

bool Outage::begin_notice(Clock::Time until) {
  std::lock_guard lock(mutex_);
  if (!since_ || until < *since_ + kUnnoticed) return false;
  if (std::exchange(noticed_, true) && until < next_notice_) return false;
  next_notice_ = until + kBetweenNotices;
  return true;
}

bool Outage::end_notice() {
  std::lock_guard lock(mutex_);
  return std::exchange(noticed_, false);
}

std::optional<Clock::Time> Outage::gives_up_at(Clock::Time now) const {
  if (!under_way_.load(std::memory_order_relaxed)) return std::nullopt;
  std::lock_guard lock(mutex_);
  return since_ && !is_forgotten(now) ? std::optional(*since_ + limit_) : std::nullopt;
}

bool Outage::given_up(Clock::Time now) const {
  if (!under_way_.load(std::memory_order_relaxed)) return false;
  std::lock_guard lock(mutex_);
  return since_ && now >= *since_ + limit_ && now < last_failure_ + kQuietUntilOver;
}

bool Outage::is_forgotten(Clock::Time now) const {
  return last_failure_ < *since_ + limit_ && now >= last_failure_ + kQuietUntilOver;
}

std::string Outage::reason() const {
  std::lock_guard lock(mutex_);
  return reason_;
}

bool Outage::begin_probe(Clock::Time now) {
  std::lock_guard lock(mutex_);
  if (!since_ || now < next_probe_) return false;
  next_probe_ = now + kBetweenProbes;
  return true;
}

}  // namespace scabbard::net
