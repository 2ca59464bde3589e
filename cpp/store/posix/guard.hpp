// Calls on a filesystem that can hang (NFS, CephFS, FUSE, unknown), made finite.
//
// A hung mount blocks a system call for ever and nothing can interrupt it. So each call runs on one of a
// bounded number of threads, and its caller waits until it answers, the context ends or the time limit
// passes; then it leaves the call behind. The call owns everything that it touches, and its thread cleans
// up after it when the kernel lets it go.
//
// When a call has gone unanswered for the whole limit and nothing else has been answered since it began,
// the filesystem is *out*: new calls fail at once, until a probe or one of the calls left behind is
// answered. One file that hangs does not put the others out; many can, once they hold every thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/thread_pool.hpp"
#include "scabbard/context.hpp"
#include "store/posix/file_calls.hpp"

namespace scabbard::posix {

/// What a guarded call returns beside the system's errors (file_errors.hpp words them).
inline constexpr int kOutError = -ETIMEDOUT;  ///< not answered within the limit, or known to be out
inline constexpr int kCancelledError = -ECANCELED;
inline constexpr int kDeadlineError = -ETIME;
inline constexpr int kClosedError = -ESHUTDOWN;

/// Whether a result means that the call was left behind, and may still do what it was to do.
constexpr bool was_left_behind(long result) {
  return result == kOutError || result == kCancelledError || result == kDeadlineError || result == kClosedError;
}

/// Safe from any thread. Owned by shared_ptr, for calls left behind keep it alive.
class Guard : public std::enable_shared_from_this<Guard> {
 public:
  /// How many threads one filesystem can hold up; four of them are kept for probes.
  static constexpr std::size_t kMostThreads = 32;

  /// `probe_path` is what a probe asks the filesystem about. `calls` must outlive the threads. Contexts of
  /// callers read the same `clock`.
  Guard(FileCalls& calls, std::string probe_path, Clock::Duration limit, Clock& clock);

  /// One call to run.
  struct Request {
    std::function<long()> run;       ///< makes the call; must own, or share in, all that it touches
    std::function<void(long)> undo;  ///< takes back what a call that was left behind achieved; may be empty
    std::set<int> descriptors;       ///< those that `run` uses: close() waits for it
    bool must_run = false;           ///< runs even when its caller does not wait for it: close, clean-up
  };
  long call(const Context& ctx, Request request);

  /// Closes a descriptor once no call left behind uses it.
  int close_descriptor(const Context& ctx, int fd);

  /// Since when the filesystem is out, on the wall clock; nothing while it answers.
  std::optional<std::chrono::system_clock::time_point> out_since() const;

  /// Ends all waiting with kClosedError and joins the threads that are not stuck.
  void stop();

 private:
  struct Call;

  void run_waiting();
  void begin(const std::shared_ptr<Call>& call);
  bool recovered(std::unique_lock<std::mutex>& lock, const Context& ctx);
  std::optional<Clock::Time> unanswered_since() const;
  bool is_out(Clock::Time now) const;
  bool is_stuck(Clock::Time now) const;
  static long run_one(const Request& request);
  static long run_last(std::function<long()> run);
  long leave(Call& call, int reason);
  void finish(const std::shared_ptr<Call>& call, long result);
  void announce_outage();
  long wait_for(const Context& ctx, Request request);

  FileCalls& calls_;
  const std::string probe_path_;
  const Clock::Duration limit_;
  Clock& clock_;

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Call>> waiting_;
  std::list<std::shared_ptr<Call>> running_;  // in the order they began
  std::size_t probes_ = 0;                    // how many of running_ are probes
  Clock::Time last_answer_;
  Clock::Time next_probe_;
  std::map<int, int> left_behind_;  // descriptor -> calls left behind that still use it
  std::set<int> to_close_;          // descriptors whose last such call closes them
  bool stopped_ = false;
  bool outage_announced_ = false;
  ThreadPool threads_;
};

/// FileCalls that go through a guard, for the length of one operation.
class GuardedCalls final : public FileCalls {
 public:
  GuardedCalls(FileCalls& inner, std::shared_ptr<Guard> guard, const Context& ctx)
      : inner_(inner), guard_(std::move(guard)), ctx_(ctx) {}

  int open(const std::string& path, int flags, mode_t mode) override;
  int close(int fd) override;
  int flush(int fd) override;
  ssize_t pread(int fd, std::span<std::byte> into, off_t offset) override;
  ssize_t pwrite(int fd, std::span<const std::byte> from, off_t offset) override;
  ssize_t copy_file_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) override;
  int clone_range(int in, off_t in_offset, int out, off_t out_offset, size_t length) override;
  off_t seek(int fd, off_t offset, int whence) override;
  int fsync(int fd) override;
  int sync_filesystem(int fd) override;
  int start_writeback(int fd, off_t offset, off_t length) override;
  int wait_for_writeback(int fd, off_t offset, off_t length) override;
  int reserve(int fd, off_t length) override;
  int truncate(int fd, off_t length) override;
  int lock(int fd) override;
  int change_owner(int fd, uid_t owner, gid_t group) override;
  int change_mode(int fd, mode_t mode) override;
  int fstat(int fd, struct stat& status) override;
  int stat(const std::string& path, struct stat& status) override;
  int statfs(const std::string& path, struct statfs& status) override;
  int read_link(const std::string& path, std::string& target) override;
  int read_directory(const std::string& path, std::vector<DirectoryEntry>& entries) override;
  int rename(const std::string& from, const std::string& to) override;
  int rename_no_replace(const std::string& from, const std::string& to) override;
  int link(const std::string& from, const std::string& to) override;
  int unlink(const std::string& path) override;
  int make_directory(const std::string& path, mode_t mode) override;
  int remove_directory(const std::string& path) override;

 private:
  // Makes a call that touches only descriptors and values.
  template <class Run>
  long on_descriptors(const std::set<int>& descriptors, Run run);
  // Makes a call that fills an `Out`, handed over only when it was answered in time.
  template <class Out, class Run>
  long filling(Out& out, const std::set<int>& descriptors, Run run);

  FileCalls& inner_;
  std::shared_ptr<Guard> guard_;
  const Context& ctx_;
};

}  // namespace scabbard::posix
