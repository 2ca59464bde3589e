#include "support/driven_time.hpp"

namespace scabbard {

// Each side is seen to wait, then to have nothing to wake up for, then not to have woken up meanwhile: so there was a
// moment at which both slept and no bytes were on their way between them.
void DrivenTime::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto at_client = clock_.wait_until_all_wait(stop, threads_);
    if (!at_client) return;
    const auto at_server = server_.wait_until_idle();
    const bool nothing_goes_on =
        clock_.stands_still(*at_client) && server_.is_idle_since(at_server) && clock_.stands_still(*at_client);
    if (!nothing_goes_on) {
      std::this_thread::yield();
    } else if (clock_.next_event_deadline()) {
      server_.trickle();
      clock_.advance(*clock_.next_deadline() - clock_.now());
    } else {
      // The loop has nothing to do: somebody has been told so and is about to wake up.
      clock_.wait_for_change(stop, *at_client);
    }
  }
}

}  // namespace scabbard
