#include "base/thread_pool.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <latch>

namespace scabbard {
namespace {

using namespace std::chrono_literals;

TEST(ThreadPoolTest, Runs_as_many_tasks_at_once_as_it_has_threads) {
  ThreadPool pool(4);
  std::latch all_running(4);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(pool.post([&] { all_running.arrive_and_wait(); }));
  }
  all_running.wait();
  pool.stop();
}

TEST(ThreadPoolTest, Stop_finishes_what_was_posted) {
  ThreadPool pool(2);
  int done = 0;
  std::mutex mutex;
  for (int i = 0; i < 100; ++i) {
    pool.post([&] {
      std::lock_guard lock(mutex);
      ++done;
    });
  }
  pool.stop();
  EXPECT_EQ(done, 100);
}

TEST(ThreadPoolTest, Takes_no_task_after_stop) {
  ThreadPool pool(2);
  pool.stop();
  EXPECT_FALSE(pool.post([] {}));
}

TEST(ThreadPoolTest, Stop_leaves_a_stuck_thread_behind) {
  auto release = std::make_shared<std::latch>(1);
  auto left = std::make_shared<std::latch>(1);
  {
    ThreadPool pool(1);
    ASSERT_TRUE(pool.post([release, left] {
      release->wait();
      left->count_down();
    }));
    pool.stop(1ms);
  }
  release->count_down();
  left->wait();  // what it owns is still there
}

TEST(ThreadPoolTest, Threads_have_every_signal_of_the_host_blocked) {
  ThreadPool pool(1);
  int blocked = 0;
  pool.post([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int signal : {SIGPIPE, SIGINT, SIGTERM, SIGURG, SIGCHLD}) blocked += sigismember(&mask, signal);
  });
  pool.stop();
  EXPECT_EQ(blocked, 5);
}

}  // namespace
}  // namespace scabbard
