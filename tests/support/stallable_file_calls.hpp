// FileCalls that can be held up, as a mount whose server is gone holds them up: what calls meet in the
// middle is tested without timing.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "support/intercepting_file_calls.hpp"

namespace scabbard::posix {

class StallableFileCalls final : public InterceptingFileCalls {
 public:
  using InterceptingFileCalls::InterceptingFileCalls;

  /// From here on no call comes through; close does, so that nothing leaks for good.
  void stall();
  /// Lets all through, those held up included.
  void release();
  /// Blocks until `count` calls are held up; false after a minute.
  bool wait_until_stalled(std::size_t count);

 protected:
  long around(const CallSite& site, const Make& make) override;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stalled_ = false;
  std::size_t held_up_ = 0;
};

}  // namespace scabbard::posix
