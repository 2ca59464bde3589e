#include "store/posix/guard.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/object_name.hpp"

namespace scabbard::posix {
namespace {

constexpr std::size_t kKeptForProbes = 4;
constexpr auto kProbeInterval = std::chrono::seconds(5);
// What a caller that finds the filesystem out spends on asking whether it is back.
constexpr auto kProbePatience = std::chrono::milliseconds(250);
// What stop() grants calls that are still running.
constexpr auto kStopPatience = std::chrono::milliseconds(500);
constexpr auto kStopPatienceWhenHung = std::chrono::milliseconds(20);
// One call moves at most this much, so that the limit is one of latency, not of bandwidth.
constexpr std::size_t kMostBytesPerCall = std::size_t{1} << 20;

}  // namespace

struct Guard::Call {
  Request request;
  std::condition_variable_any answered;
  bool is_probe = false;
  bool running = false;
  bool left = false;  // its caller waits no longer
  Clock::Time queued;
  Clock::Time began;
  std::optional<long> result;
};

Guard::Guard(FileCalls& calls, std::string probe_path, Clock::Duration limit, Clock& clock)
    : calls_(calls),
      probe_path_(std::move(probe_path)),
      limit_(limit),
      clock_(clock),
      last_answer_(clock.now()),
      next_probe_(clock.now()),
      threads_(kMostThreads) {}

// When the oldest call began of those since which nothing was answered: one that hangs alone, while others
// are answered, must not hide that nobody is any more.
std::optional<Clock::Time> Guard::unanswered_since() const {
  auto oldest = std::ranges::find_if(running_, [&](const auto& call) { return call->began >= last_answer_; });
  if (oldest == running_.end()) return std::nullopt;
  return (*oldest)->began;
}

bool Guard::is_out(Clock::Time now) const {
  auto since = unanswered_since();
  return since && now - *since >= limit_;
}

// Every thread has a call that was given up: what comes now would only wait as long.
bool Guard::is_stuck(Clock::Time now) const {
  if (running_.size() - probes_ < kMostThreads - kKeptForProbes) return false;
  return std::ranges::all_of(running_, [&](const auto& call) { return call->is_probe || now - call->began >= limit_; });
}

std::optional<std::chrono::system_clock::time_point> Guard::out_since() const {
  std::lock_guard lock(mutex_);
  Clock::Time now = clock_.now();
  if (!is_out(now)) return std::nullopt;
  auto age = std::chrono::duration_cast<std::chrono::system_clock::duration>(now - *unanswered_since());
  return std::chrono::system_clock::now() - age;
}

long Guard::call(const Context& ctx, Request request) {
  long result = wait_for(ctx, std::move(request));
  if (result == kOutError) announce_outage();
  return result;
}

// Once for each outage; finish() says when it is over.
void Guard::announce_outage() {
  {
    std::lock_guard lock(mutex_);
    Clock::Time now = clock_.now();
    if (stopped_ || outage_announced_ || !(is_out(now) || is_stuck(now))) return;
    outage_announced_ = true;
  }
  log::warn("the filesystem of {} does not answer: calls on it fail until it does", quote(probe_path_));
}

long Guard::wait_for(const Context& ctx, Request request) {
  auto call = std::make_shared<Call>();
  call->request = std::move(request);

  std::unique_lock lock(mutex_);
  if (stopped_ && call->request.must_run) {
    lock.unlock();
    return run_last(call->request.run);
  }
  if (stopped_) return kClosedError;
  bool out = is_stuck(clock_.now()) || (is_out(clock_.now()) && !recovered(lock, ctx));
  if (out && !call->request.must_run) return kOutError;
  call->queued = clock_.now();
  waiting_.push_back(call);
  if (!threads_.post([self = shared_from_this()] { self->run_waiting(); })) {
    std::erase(waiting_, call);
    return stopped_ ? kClosedError : -EAGAIN;
  }
  if (out) return leave(*call, kOutError);

  while (!call->result) {
    if (stopped_) return leave(*call, kClosedError);
    if (auto ended = ctx.ended()) {
      return leave(*call, *ended == ErrorCode::kCancelled ? kCancelledError : kDeadlineError);
    }
    Clock::Time now = clock_.now();
    // Waiting for a thread is bounded as well: all may hang while probes are answered.
    Clock::Time since = call->running ? call->began : call->queued;
    if (now - since >= limit_ || (!call->running && is_out(now))) return leave(*call, kOutError);
    Clock::Time until = (call->running ? since : std::min(since, unanswered_since().value_or(since))) + limit_;
    if (ctx.deadline()) until = std::min(until, *ctx.deadline());
    ctx.clock().wait(lock, call->answered, ctx.cancel_token(), until);
  }
  return *call->result;
}

// Called with the lock held, by a caller that waits no longer.
long Guard::leave(Call& call, int reason) {
  call.left = true;
  if (call.running) {
    for (int fd : call.request.descriptors) ++left_behind_[fd];
  } else if (!call.request.must_run) {
    std::erase_if(waiting_, [&](const auto& waiting) { return waiting.get() == &call; });
  }
  return reason;
}

// Calls that fill something allocate it; without memory that is an answer too.
long Guard::run_one(const Request& request) {
  try {
    return request.run();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

void Guard::run_waiting() {
  std::unique_lock lock(mutex_);
  // The last threads are kept for probes: a call that finds the others busy is taken up by the next of them
  // to come back here.
  while (!waiting_.empty() && running_.size() - probes_ < kMostThreads - kKeptForProbes) {
    auto call = std::move(waiting_.front());
    waiting_.pop_front();
    begin(call);
    lock.unlock();
    finish(call, run_one(call->request));
    lock.lock();
  }
}

// Called with the lock held.
void Guard::begin(const std::shared_ptr<Call>& call) {
  call->running = true;
  call->began = clock_.now();
  running_.push_back(call);
  call->answered.notify_all();
}

// Called with the lock held by a caller that found the filesystem out: asks whether it is back, if nobody
// else has just done so.
bool Guard::recovered(std::unique_lock<std::mutex>& lock, const Context& ctx) {
  Clock::Time now = clock_.now();
  if (now < next_probe_ || probes_ == kKeptForProbes) return false;
  next_probe_ = now + kProbeInterval;

  auto probe = std::make_shared<Call>();
  probe->is_probe = true;
  probe->request.run = [&calls = calls_, path = probe_path_] {
    struct statfs status;
    return static_cast<long>(calls.statfs(path, status));
  };
  ++probes_;
  begin(probe);
  bool posted = threads_.post([self = shared_from_this(), probe] { self->finish(probe, run_one(probe->request)); });
  if (!posted) {
    std::erase(running_, probe);
    --probes_;
    return false;
  }
  auto brief = ctx.with_timeout(kProbePatience);
  return !brief.wait(lock, probe->answered, [&] { return probe->result || stopped_; }) && probe->result;
}

void Guard::finish(const std::shared_ptr<Call>& call, long result) {
  std::vector<int> close_now;
  bool undo = false;
  bool back = false;
  {
    std::lock_guard lock(mutex_);
    std::erase(running_, call);
    // Closing is often answered by this machine alone and says nothing. A thread left behind may outlive the clock.
    if (!stopped_ && !call->request.must_run) {
      last_answer_ = clock_.now();
      back = std::exchange(outage_announced_, false);
    }
    call->result = result;
    call->answered.notify_all();
    if (call->is_probe) --probes_;
    if (call->left) {
      undo = result >= 0 && call->request.undo;
      for (int fd : call->request.descriptors) {
        if (--left_behind_[fd] > 0) continue;
        left_behind_.erase(fd);
        if (to_close_.erase(fd) > 0) close_now.push_back(fd);
      }
    }
  }
  if (back) log::warn("the filesystem of {} answers again", quote(probe_path_));
  if (undo) call->request.undo(result);
  for (int fd : close_now) calls_.close(fd);
}

int Guard::close_descriptor(const Context& ctx, int fd) {
  {
    std::lock_guard lock(mutex_);
    if (left_behind_.contains(fd)) {
      to_close_.insert(fd);
      return 0;
    }
  }
  auto taken = std::make_shared<std::atomic_flag>();
  auto close_once = [&calls = calls_, fd, taken] { return taken->test_and_set() ? 0 : calls.close(fd); };
  long result = call(ctx, {.run = close_once, .undo = {}, .descriptors = {}, .must_run = true});
  // Where the guard was stopped meanwhile, whoever comes first closes.
  if (result != kClosedError && result != -EAGAIN) return static_cast<int>(result);
  return static_cast<int>(run_last([close_once] { return static_cast<long>(close_once()); }));
}

// Runs what must run after stop(), on a thread that may be left behind.
long Guard::run_last(std::function<long()> run) {
  auto result = std::make_shared<std::atomic<long>>(kOutError);
  ThreadPool last(1);
  if (!last.post([run = std::move(run), result] { *result = run(); })) return -EAGAIN;
  last.stop(kStopPatience);
  return *result;
}

void Guard::stop() {
  bool hung = false;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    hung = std::ranges::any_of(running_, [](const auto& call) { return call->left; });
    for (const auto& call : running_) call->answered.notify_all();
    for (const auto& call : waiting_) call->answered.notify_all();
  }
  // A call that somebody has given up already gets no more time.
  threads_.stop(hung ? kStopPatienceWhenHung : kStopPatience);
}

template <class Run>
long GuardedCalls::on_descriptors(const std::set<int>& descriptors, Run run) {
  return guard_->call(ctx_, {.run = [&inner = inner_, run = std::move(run)] { return static_cast<long>(run(inner)); },
                             .undo = {},
                             .descriptors = descriptors});
}

template <class Out, class Run>
long GuardedCalls::filling(Out& out, const std::set<int>& descriptors, Run run) {
  auto filled = std::make_shared<Out>();
  long result =
      on_descriptors(descriptors, [filled, run = std::move(run)](FileCalls& inner) { return run(inner, *filled); });
  if (result >= 0) out = std::move(*filled);
  return result;
}

int GuardedCalls::open(const std::string& path, int flags, mode_t mode) {
  return static_cast<int>(guard_->call(
      ctx_, {.run = [&inner = inner_, path, flags, mode] { return static_cast<long>(inner.open(path, flags, mode)); },
             .undo =
                 [&inner = inner_, path, created = (flags & O_EXCL) != 0](long fd) {
                   if (created) inner.unlink(path);
                   inner.close(static_cast<int>(fd));
                 },
             .descriptors = {}}));
}

int GuardedCalls::close(int fd) { return guard_->close_descriptor(ctx_, fd); }

int GuardedCalls::flush(int fd) {
  return static_cast<int>(on_descriptors({fd}, [fd](FileCalls& inner) { return inner.flush(fd); }));
}

ssize_t GuardedCalls::pread(int fd, std::span<std::byte> into, off_t offset) {
  std::size_t length = std::min(into.size(), kMostBytesPerCall);
  // Made by the thread that reads, so that there are no more of them than threads.
  auto owned = std::make_shared<std::unique_ptr<std::byte[]>>();
  long count = on_descriptors({fd}, [fd, owned, length, offset](FileCalls& inner) -> ssize_t {
    owned->reset(new (std::nothrow) std::byte[length]);
    return *owned == nullptr ? -ENOMEM : inner.pread(fd, {owned->get(), length}, offset);
  });
  if (count > 0) std::copy_n(owned->get(), count, into.begin());
  return count;
}

ssize_t GuardedCalls::pwrite(int fd, std::span<const std::byte> from, off_t offset) {
  auto owned =
      std::make_shared<std::vector<std::byte>>(from.begin(), from.begin() + std::min(from.size(), kMostBytesPerCall));
  return on_descriptors({fd}, [fd, owned, offset](FileCalls& inner) { return inner.pwrite(fd, *owned, offset); });
}

ssize_t GuardedCalls::copy_file_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) {
  length = std::min(length, kMostBytesPerCall);
  return on_descriptors(
      {in, out}, [=](FileCalls& inner) { return inner.copy_file_range(in, in_offset, out, out_offset, length); });
}

int GuardedCalls::clone_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) {
  return static_cast<int>(on_descriptors(
      {in, out}, [=](FileCalls& inner) { return inner.clone_range(in, in_offset, out, out_offset, length); }));
}

off_t GuardedCalls::seek(int fd, off_t offset, int whence) {
  return on_descriptors({fd}, [=](FileCalls& inner) { return inner.seek(fd, offset, whence); });
}

int GuardedCalls::fsync(int fd) {
  return static_cast<int>(on_descriptors({fd}, [fd](FileCalls& inner) { return inner.fsync(fd); }));
}

int GuardedCalls::sync_filesystem(int fd) {
  return static_cast<int>(on_descriptors({fd}, [fd](FileCalls& inner) { return inner.sync_filesystem(fd); }));
}

int GuardedCalls::start_writeback(int fd, off_t offset, off_t length) {
  return static_cast<int>(
      on_descriptors({fd}, [=](FileCalls& inner) { return inner.start_writeback(fd, offset, length); }));
}

int GuardedCalls::wait_for_writeback(int fd, off_t offset, off_t length) {
  return static_cast<int>(
      on_descriptors({fd}, [=](FileCalls& inner) { return inner.wait_for_writeback(fd, offset, length); }));
}

int GuardedCalls::reserve(int fd, off_t length) {
  return static_cast<int>(on_descriptors({fd}, [=](FileCalls& inner) { return inner.reserve(fd, length); }));
}

int GuardedCalls::truncate(int fd, off_t length) {
  return static_cast<int>(on_descriptors({fd}, [=](FileCalls& inner) { return inner.truncate(fd, length); }));
}

int GuardedCalls::lock(int fd) {
  return static_cast<int>(on_descriptors({fd}, [fd](FileCalls& inner) { return inner.lock(fd); }));
}

int GuardedCalls::change_owner(int fd, uid_t owner, gid_t group) {
  return static_cast<int>(on_descriptors({fd}, [=](FileCalls& inner) { return inner.change_owner(fd, owner, group); }));
}

int GuardedCalls::change_mode(int fd, mode_t mode) {
  return static_cast<int>(on_descriptors({fd}, [=](FileCalls& inner) { return inner.change_mode(fd, mode); }));
}

int GuardedCalls::fstat(int fd, struct stat& status) {
  return static_cast<int>(
      filling(status, {fd}, [fd](FileCalls& inner, struct stat& out) { return inner.fstat(fd, out); }));
}

int GuardedCalls::stat(const std::string& path, struct stat& status) {
  return static_cast<int>(
      filling(status, {}, [path](FileCalls& inner, struct stat& out) { return inner.stat(path, out); }));
}

int GuardedCalls::statfs(const std::string& path, struct statfs& status) {
  return static_cast<int>(
      filling(status, {}, [path](FileCalls& inner, struct statfs& out) { return inner.statfs(path, out); }));
}

int GuardedCalls::read_link(const std::string& path, std::string& target) {
  return static_cast<int>(
      filling(target, {}, [path](FileCalls& inner, std::string& out) { return inner.read_link(path, out); }));
}

int GuardedCalls::read_directory(const std::string& path, std::vector<DirectoryEntry>& entries) {
  return static_cast<int>(filling(entries, {}, [path](FileCalls& inner, std::vector<DirectoryEntry>& out) {
    return inner.read_directory(path, out);
  }));
}

int GuardedCalls::rename(const std::string& from, const std::string& to) {
  return static_cast<int>(on_descriptors({}, [from, to](FileCalls& inner) { return inner.rename(from, to); }));
}

int GuardedCalls::rename_no_replace(const std::string& from, const std::string& to) {
  return static_cast<int>(
      on_descriptors({}, [from, to](FileCalls& inner) { return inner.rename_no_replace(from, to); }));
}

int GuardedCalls::link(const std::string& from, const std::string& to) {
  return static_cast<int>(on_descriptors({}, [from, to](FileCalls& inner) { return inner.link(from, to); }));
}

int GuardedCalls::unlink(const std::string& path) {
  // A temporary is removed even when its caller has left; an object is not: somebody may have stored it
  // again by then.
  bool temporary = std::string_view(path).substr(path.rfind('/') + 1).starts_with(kTemporaryPrefix);
  return static_cast<int>(
      guard_->call(ctx_, {.run = [&inner = inner_, path] { return static_cast<long>(inner.unlink(path)); },
                          .undo = {},
                          .descriptors = {},
                          .must_run = temporary}));
}

int GuardedCalls::make_directory(const std::string& path, mode_t mode) {
  return static_cast<int>(
      on_descriptors({}, [path, mode](FileCalls& inner) { return inner.make_directory(path, mode); }));
}

int GuardedCalls::remove_directory(const std::string& path) {
  return static_cast<int>(on_descriptors({}, [path](FileCalls& inner) { return inner.remove_directory(path); }));
}

}  // namespace scabbard::posix
