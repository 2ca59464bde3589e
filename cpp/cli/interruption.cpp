#include "cli/interruption.hpp"

#include <array>
#include <atomic>
#include <stop_token>
#include <thread>

namespace scabbard::cli {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

std::atomic<int> caught = 0;

// What the process was started to ignore (nohup, a shell's background job) it goes on ignoring.
sigset_t signals_to_catch() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : kSignals) {
    struct sigaction action{};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

void die_by(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
}

}  // namespace

Interruption::Interruption() {
  std::stop_source cancel;
  context_ = context_.with_cancel(cancel.get_token());
  sigset_t set = signals_to_catch();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);  // in all threads that are to come
  // Waits for ever, at no cost; the end of the process ends it.
  std::thread([set, cancel]() mutable {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) return;
    caught = signal;
    cancel.request_stop();
    if (::sigwait(&set, &signal) == 0) die_by(signal);
  }).detach();
}

void Interruption::die_if_interrupted() const {
  if (int signal = caught; signal != 0) die_by(signal);
}

void die_of_closed_pipe() { die_by(SIGPIPE); }

}  // namespace scabbard::cli
