#include "extproc/tree_top_filler.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/quantities.hpp"
#include "base/signals_blocked.hpp"
#include "sector/tree_top_fetch.hpp"

namespace scabbard::extproc {
namespace {

// Each reads the trees of one sector at a time.
constexpr unsigned kThreads = 4;

}  // namespace

TreeTopFiller::TreeTopFiller(sector::TreeTopCache& cache, std::function<void(const std::string&)> tell)
    : cache_(cache), tell_(std::move(tell)) {
  const SignalsBlocked blocked;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

TreeTopFiller::~TreeTopFiller() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void TreeTopFiller::add(Trees trees) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(trees));
  changed_.notify_one();
}

void TreeTopFiller::change_pauses(int by) {
  const std::lock_guard lock(mutex_);
  pauses_ += by;
  changed_.notify_all();
}

void TreeTopFiller::run(const std::stop_token& stop) {
  const Context ctx = Context().with_cancel(stop);
  std::unique_lock lock(mutex_);
  while (!ctx.wait(lock, changed_, [&] { return pauses_ == 0 && !waiting_.empty(); })) {
    const Trees trees = std::move(waiting_.front());
    waiting_.pop_front();
    ++running_;
    lock.unlock();
    auto kept = sector::keep_tree_tops(ctx, cache_, *trees.shape, trees.cache_folder);
    lock.lock();
    --running_;
    if (ctx.ended()) return;
    take(std::move(kept));
    if (waiting_.empty() && running_ == 0) report();
  }
}

void TreeTopFiller::take(Result<bool> kept) {
  if (kept) {
    kept_ += *kept ? 1 : 0;
    return;
  }
  ++failed_;
  const bool is_full = kept.error().code == ErrorCode::kNoSpace;
  if (!first_failure_) first_failure_ = std::move(kept).error();
  if (is_full) failed_ += std::exchange(waiting_, {}).size();
}

void TreeTopFiller::report() {
  std::string line =
      fmt::format("the tree tops of {} were put into the cache", counted(std::exchange(kept_, 0), "sector"));
  if (first_failure_) {
    line +=
        fmt::format(", of {} not; the first: {}", counted(std::exchange(failed_, 0), "other"), first_failure_->message);
    first_failure_.reset();
  }
  tell_(line);
}

}  // namespace scabbard::extproc
