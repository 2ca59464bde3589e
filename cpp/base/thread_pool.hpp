// A bounded set of threads that grows as work arrives and keeps no signal of the host's process.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace scabbard {

/// Safe from any thread, but for stop(), which is called once, by none of the pool's own threads.
class ThreadPool {
 public:
  explicit ThreadPool(std::size_t most_threads);
  /// stop() without patience limit, if it was not called.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs `task` on one of the threads, in the order they were posted. False when the pool was stopped or
  /// the system gives no thread at all: then the task will not run. Tasks must not throw.
  bool post(std::function<void()> task);

  /// Finishes what was posted and joins the threads. Threads that are not done after `patience` are left
  /// behind; what they still run must own all it touches.
  void stop(std::optional<std::chrono::nanoseconds> patience = std::nullopt);

 private:
  struct State;
  struct Thread {
    std::thread thread;
    std::shared_ptr<bool> finished;  // guarded by State::mutex
  };

  static void run(const std::shared_ptr<State>& state, const std::shared_ptr<bool>& finished);
  bool add_thread();

  const std::size_t most_threads_;
  std::shared_ptr<State> state_;  // shared with the threads, which may outlive the pool
  std::vector<Thread> threads_;   // guarded by State::mutex
};

}  // namespace scabbard
