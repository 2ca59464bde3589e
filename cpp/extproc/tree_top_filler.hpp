// Keeps the tree tops of sectors that were read without them, while nothing else is read: a proof does not wait for
// that.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "scabbard/store.hpp"
#include "sector/tree_top_cache.hpp"

namespace scabbard::extproc {

/// Safe from any thread.
class TreeTopFiller {
 public:
  /// `tell` gets a line for people when all is done, on any thread.
  TreeTopFiller(sector::TreeTopCache& cache, std::function<void(const std::string&)> tell);
  ~TreeTopFiller();
  TreeTopFiller(const TreeTopFiller&) = delete;
  TreeTopFiller& operator=(const TreeTopFiller&) = delete;

  struct Trees {
    const sector::Shape* shape = nullptr;
    Location cache_folder;
  };
  void add(Trees trees);

  /// While there is one, no sector is begun. `filler` may be null.
  class Pause {
   public:
    explicit Pause(TreeTopFiller* filler) : filler_(filler) {
      if (filler_ != nullptr) filler_->change_pauses(+1);
    }
    ~Pause() {
      if (filler_ != nullptr) filler_->change_pauses(-1);
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    TreeTopFiller* const filler_;
  };

 private:
  void change_pauses(int by);
  void run(const std::stop_token& stop);
  void take(Result<bool> kept);  // with the lock held
  void report();                 // likewise

  sector::TreeTopCache& cache_;
  const std::function<void(const std::string&)> tell_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Trees> waiting_;
  int pauses_ = 0;
  unsigned running_ = 0;
  std::size_t kept_ = 0;
  std::size_t failed_ = 0;
  std::optional<Error> first_failure_;
  std::vector<std::jthread> threads_;  // the last: they use all others
};

}  // namespace scabbard::extproc
