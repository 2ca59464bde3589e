#include "extproc/turns.hpp"

namespace scabbard::extproc {

Result<void> Turn::take(const Context& ctx) {
  if (held_) return {};
  std::unique_lock lock(turns_.mutex_);
  turns_.waiting_.push_back(this);
  const auto ended =
      ctx.wait(lock, turns_.changed_, [&] { return turns_.waiting_.front() == this && turns_.free_ >= weight_; });
  turns_.waiting_.remove(this);
  turns_.changed_.notify_all();  // the next one may be first now
  if (ended) return fail(*ended, "wait for other requests");
  turns_.free_ -= weight_;
  held_ = true;
  return {};
}

bool Turn::give_back() {
  if (!held_) return false;
  {
    std::lock_guard lock(turns_.mutex_);
    turns_.free_ += weight_;
  }
  turns_.changed_.notify_all();
  held_ = false;
  return true;
}

}  // namespace scabbard::extproc
