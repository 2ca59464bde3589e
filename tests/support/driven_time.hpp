// Virtual time for a store on a scripted server: while this lives, the clock is moved to the next moment that somebody
// waits for whenever nothing can happen without that. What trickles gains a byte each time.
#pragma once

#include <thread>

#include "support/manual_clock.hpp"
#include "support/scripted_server/scripted_server.hpp"

namespace scabbard {

class DrivenTime {
 public:
  /// `threads`: how many wait by the clock when nothing goes on; by default an engine's loop, the thread that renews
  /// credentials, and the one that called the store.
  DrivenTime(ManualClock& clock, scripted::ScriptedServer& server, std::size_t threads = 3)
      : clock_(clock),
        server_(server),
        threads_(threads),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

 private:
  void run(const std::stop_token& stop);

  ManualClock& clock_;
  scripted::ScriptedServer& server_;
  const std::size_t threads_;
  std::jthread thread_;
};

}  // namespace scabbard
