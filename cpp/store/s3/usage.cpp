#include "store/s3/usage.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace scabbard::s3 {
namespace {
// The manager asks under a lock that all its stores share.
constexpr auto kFirstWait = std::chrono::milliseconds(250);
constexpr auto kAfterFailure = std::chrono::seconds(30);
}  // namespace

Usage::Usage(std::function<Result<std::uint64_t>(const Context&)> count, Clock& clock, Clock::Duration refresh)
    : count_(std::move(count)), clock_(clock), refresh_(refresh) {}

Usage::~Usage() { close(); }

void Usage::close() {
  {
    std::lock_guard lock(mutex_);
    closing_.request_stop();
    changed_.notify_all();
  }
  thread_.stop();
}

std::optional<std::uint64_t> Usage::known(const Context& ctx) {
  std::unique_lock lock(mutex_);
  if (!std::exchange(begun_, true)) thread_.post([this] { run(); });
  ctx.with_timeout(kFirstWait).wait(lock, changed_, [&] { return used_.has_value(); });
  return used_;
}

void Usage::run() {
  const Context ctx = Context().with_clock(clock_).with_cancel(closing_.get_token());
  std::unique_lock lock(mutex_);
  while (!ctx.ended()) {
    lock.unlock();
    auto counted = count_(ctx);
    lock.lock();
    if (counted) {
      used_ = *counted;
      changed_.notify_all();
    } else if (!ctx.ended()) {
      log::warn("{}; what is used is not known anew", counted.error().message);
    }
    ctx.with_timeout(counted ? refresh_ : std::min<Clock::Duration>(refresh_, kAfterFailure)).wait(lock, changed_, [] {
      return false;
    });
  }
}

}  // namespace scabbard::s3
