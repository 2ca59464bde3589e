// Waiting for what will mend itself: an error of a processor stops its worker until somebody comes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "extproc/turns.hpp"
#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard::extproc {

/// Whether trying again later can help: a server that is down, a disk that is full, credentials that have expired. Not
/// a source that changes, nor one that is missing.
bool mends_itself(const Error& error);

/// How long one thing is waited for. Belongs to one thread.
class Patience {
 public:
  /// `tell` gets a line when waiting begins, and one for each minute of it. `turn` is given back meanwhile.
  Patience(const Context& ctx, Clock::Duration limit, std::function<void(const std::string&)> tell, Turn& turn)
      : ctx_(ctx), limit_(limit), tell_(std::move(tell)), turn_(turn) {}

  /// Calls `once`, which gives a Result, until it succeeds, fails for good, or the limit is reached since the first
  /// failure after which nothing succeeded. `what` is what is being done, for the lines.
  template <class Once>
  std::invoke_result_t<const Once&> operator()(std::string_view what, const Once& once) {
    while (true) {
      auto result = once();
      if (result) begun_.reset();
      if (result || !wait(what, result.error())) return result;
    }
  }

 private:
  // Waits a while. False where that makes no sense; then the error tells how long it was waited for.
  bool wait(std::string_view what, Error& error);

  const Context& ctx_;
  const Clock::Duration limit_;
  const std::function<void(const std::string&)> tell_;
  Turn& turn_;
  std::optional<Clock::Time> begun_;
  Clock::Time next_line_ = {};
  Clock::Duration pause_ = {};
};

}  // namespace scabbard::extproc
