#include "support/stallable_file_calls.hpp"

#include <chrono>

namespace scabbard::posix {

void StallableFileCalls::stall() {
  std::lock_guard lock(mutex_);
  stalled_ = true;
}

void StallableFileCalls::release() {
  std::lock_guard lock(mutex_);
  stalled_ = false;
  changed_.notify_all();
}

bool StallableFileCalls::wait_until_stalled(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return held_up_ >= count; });
}

long StallableFileCalls::around(const CallSite& site, const Make& make) {
  {
    std::unique_lock lock(mutex_);
    if (site.call != Call::kClose) {
      ++held_up_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !stalled_; });
      --held_up_;
    }
  }
  return make(site.length);
}

}  // namespace scabbard::posix
