// How much is at work at a time, in tasks or in what they take. Who comes first has the first turn.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>

#include "scabbard/context.hpp"

namespace scabbard::extproc {

class Turn;

/// Safe from any thread.
class Turns {
 public:
  explicit Turns(std::uint64_t count) : free_(count) {}

 private:
  friend class Turn;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t free_;
  std::list<Turn*> waiting_;  // in the order in which they came
};

/// One task's, which gives it back while it waits for something else. Belongs to one thread.
class Turn {
 public:
  /// `weight` is not more than there is in all.
  explicit Turn(Turns& turns, std::uint64_t weight = 1) : turns_(turns), weight_(weight) {}
  ~Turn() { give_back(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// Waits until it is this one's turn, or the context ends.
  Result<void> take(const Context& ctx);
  /// Lets another one have it. True where it was held.
  bool give_back();

 private:
  Turns& turns_;
  const std::uint64_t weight_;
  bool held_ = false;
};

}  // namespace scabbard::extproc
