#include "net/host.hpp"

#include <algorithm>

namespace scabbard::net {

void InFlightLimit::succeeded() {
  if (allowed_ < kUnbounded) allowed_ += 1 / allowed_;
}

void InFlightLimit::slow_down(Clock::Time now) {
  throttled_until_ = now + std::chrono::seconds(10);
  if (now < next_cut_) return;
  next_cut_ = now + std::chrono::seconds(1);
  allowed_ = std::max(1.0, std::min<double>(allowed_, in_flight_ + 1) / 2);
}

}  // namespace scabbard::net
