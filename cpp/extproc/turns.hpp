// How many tasks are at work at a time: those that wait for something to mend itself do not hold up the others.
#pragma once

#include <condition_variable>
#include <mutex>

#include "scabbard/context.hpp"

namespace scabbard::extproc {

/// Safe from any thread.
class Turns {
 public:
  explicit Turns(unsigned count) : free_(count) {}

 private:
  friend class Turn;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  unsigned free_;
};

/// One task's. Belongs to one thread.
class Turn {
 public:
  explicit Turn(Turns& turns) : turns_(turns) {}
  ~Turn() { give_back(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// Waits until it is this one's turn, or the context ends.
  Result<void> take(const Context& ctx);
  /// Lets another one have it. True where it was held.
  bool give_back();

 private:
  Turns& turns_;
  bool held_ = false;
};

}  // namespace scabbard::extproc
