#include "extproc/turns.hpp"

namespace scabbard::extproc {

Result<void> Turn::take(const Context& ctx) {
  if (held_) return {};
  std::unique_lock lock(turns_.mutex_);
  if (auto ended = ctx.wait(lock, turns_.changed_, [&] { return turns_.free_ > 0; })) {
    return fail(*ended, "wait for other transfers");
  }
  --turns_.free_;
  held_ = true;
  return {};
}

bool Turn::give_back() {
  if (!held_) return false;
  {
    std::lock_guard lock(turns_.mutex_);
    ++turns_.free_;
  }
  turns_.changed_.notify_one();
  held_ = false;
  return true;
}

}  // namespace scabbard::extproc
