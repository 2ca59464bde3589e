// Transfers to one place, one after the other: two at once would be a mixture of both, or nothing.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "scabbard/context.hpp"

namespace scabbard::extproc {

/// Safe from any thread.
class Destinations {
 public:
  /// Waits until nobody has it, nor what it lies in or what lies in it. It is the caller's as long as the result is
  /// kept, which must not outlive this.
  Result<std::shared_ptr<void>> claim(const Context& ctx, const std::string& path);
  /// The same without waiting: null where somebody has it.
  std::shared_ptr<void> try_claim(const std::string& path);

 private:
  bool is_free(const std::string& path) const;          // holding mutex_
  std::shared_ptr<void> take(const std::string& path);  // likewise

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> claimed_;
};

}  // namespace scabbard::extproc
