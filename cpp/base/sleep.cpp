#include "base/sleep.hpp"

#include <condition_variable>
#include <mutex>

namespace scabbard {

bool sleep(const Context& ctx, Clock::Duration duration) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  const Context until = ctx.with_timeout(duration);
  until.wait(lock, never, [] { return false; });
  return !ctx.ended();
}

}  // namespace scabbard
