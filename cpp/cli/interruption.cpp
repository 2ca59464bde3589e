#include "cli/interruption.hpp"

#include <array>
#include <atomic>
#include <stop_token>
#include <thread>

namespace scabbard::cli {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};

std::atomic<int> caught = 0;

// What the process was started to ignore (nohup, a shell's background job) it goes on ignoring.
bool is_ignored(int signal) {
  struct sigaction action{};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

sigset_t signals_to_catch() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : kSignals) {
    if (!is_ignored(signal)) sigaddset(&set, signal);
  }
  return set;
}

void block(sigset_t set) { ::pthread_sigmask(SIG_BLOCK, &set, nullptr); }

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
  context_ = context_.with_cancel(cancel_.get_token());
  sigset_t set = signals_to_catch();
  sigset_t blocked = set;
  sigaddset(&blocked, SIGPIPE);
  block(blocked);  // in all threads that are to come
  // Waits for ever, at no cost; the end of the process ends it.
  std::thread([set, cancel = cancel_]() mutable {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) return;
    caught = signal;
    cancel.request_stop();
    if (::sigwait(&set, &signal) == 0) die_by(signal);
  }).detach();
}

void Interruption::reader_has_gone() {
  if (!is_ignored(SIGPIPE)) caught = SIGPIPE;
  cancel_.request_stop();
}

void Interruption::die_if_interrupted() const {
  if (int signal = caught; signal != 0) die_by(signal);
}

void die_of_closed_pipe() {
  if (!is_ignored(SIGPIPE)) die_by(SIGPIPE);
}

}  // namespace scabbard::cli
