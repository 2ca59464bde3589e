// SIGINT, other signals that ask for the end, and a closed pipe while something is under way that must not be left half
// done.
#pragma once

#include <csignal>
#include <stop_token>

#include "scabbard/context.hpp"

namespace scabbard::cli {

/// From its construction on, the first such signal ends context(); the second ends the process. To be made once,
/// before there are other threads.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  const Context& context() const { return context_; }

  /// As if SIGPIPE had come, which is held back: ends context().
  void reader_has_gone();

  /// Called when all is cleaned up: where there was a signal, ends the process by it, so that the shell sees what
  /// happened ($? is 130 after SIGINT) and ends its loops too.
  void die_if_interrupted() const;

 private:
  std::stop_source cancel_;
  Context context_;
};

/// Ends the process as a write to a pipe that nobody reads does, unless it was started to ignore that.
void die_of_closed_pipe();

}  // namespace scabbard::cli
