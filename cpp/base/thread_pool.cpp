#include "base/thread_pool.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/signals_blocked.hpp"

namespace scabbard {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable exited;
  std::deque<std::function<void()>> tasks;
  std::size_t idle = 0;
  bool stopping = false;
};

ThreadPool::ThreadPool(std::size_t most_threads) : most_threads_(most_threads), state_(std::make_shared<State>()) {}

ThreadPool::~ThreadPool() { stop(); }

bool ThreadPool::post(std::function<void()> task) {
  std::lock_guard lock(state_->mutex);
  if (state_->stopping) return false;
  bool all_busy = state_->idle <= state_->tasks.size();
  if (all_busy && threads_.size() < most_threads_ && !add_thread() && threads_.empty()) return false;
  state_->tasks.push_back(std::move(task));
  state_->work.notify_one();
  return true;
}

bool ThreadPool::add_thread() {
  SignalsBlocked blocked;
  auto finished = std::make_shared<bool>(false);
  try {
    threads_.push_back({std::thread(run, state_, finished), finished});
    return true;
  } catch (const std::system_error&) {  // the limit on threads is reached: the others will do
    return false;
  }
}

void ThreadPool::run(const std::shared_ptr<State>& state, const std::shared_ptr<bool>& finished) {
  std::unique_lock lock(state->mutex);
  while (true) {
    ++state->idle;
    state->work.wait(lock, [&] { return state->stopping || !state->tasks.empty(); });
    --state->idle;
    if (state->tasks.empty()) break;
    {
      auto task = std::move(state->tasks.front());
      state->tasks.pop_front();
      lock.unlock();
      task();
    }
    lock.lock();
  }
  *finished = true;
  state->exited.notify_all();
}

void ThreadPool::stop(std::optional<std::chrono::nanoseconds> patience) {
  std::vector<Thread> threads;
  {
    std::unique_lock lock(state_->mutex);
    state_->stopping = true;
    state_->work.notify_all();
    threads.swap(threads_);
    auto all_finished = [&] {
      return std::ranges::all_of(threads, [](const Thread& thread) { return *thread.finished; });
    };
    if (patience) {
      state_->exited.wait_for(lock, *patience, all_finished);
    } else {
      state_->exited.wait(lock, all_finished);
    }
    for (Thread& thread : threads) {
      if (!*thread.finished) thread.thread.detach();
    }
  }
  for (Thread& thread : threads) {
    if (thread.thread.joinable()) thread.thread.join();
  }
}

}  // namespace scabbard
