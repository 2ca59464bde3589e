// What the parts of one file store share: where it is, how its filesystem is called, how errors are
// worded. Owned together by the store and by the readers, writers and queues made from it.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer_pool.hpp"
#include "base/thread_pool.hpp"
#include "scabbard/store.hpp"
#include "store/posix/file_calls.hpp"
#include "store/posix/file_errors.hpp"
#include "store/posix/guard.hpp"
#include "store/posix/posix_store.hpp"

namespace scabbard::posix {

/// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  while (true) {
    auto result = call();
    if (result != -EINTR) return result;
  }
}

class Volume {
 public:
  Volume(StoreConfig config, std::string root, const Settings& settings);
  ~Volume();

  const StoreConfig& config() const { return config_; }
  /// The store's name as errors write it.
  const std::string& quoted_name() const { return quoted_name_; }
  const std::string& root() const { return root_; }
  std::string path_of(std::string_view object) const { return root_ + "/" + std::string(object); }

  const Settings& settings() const { return settings_; }
  Clock& clock() const { return settings_.clock != nullptr ? *settings_.clock : Clock::steady(); }
  FileCalls& direct_calls() const { return calls_; }
  const std::shared_ptr<Guard>& guard() const { return guard_; }
  bool guarded() const { return guarded_.load(std::memory_order_relaxed); }
  /// Takes note of the filesystem that statfs() found at the root: a mount may appear or go.
  void saw_filesystem(const struct statfs& status);
  /// The device of the root when the store was opened, and those that files are found on later: where they
  /// differ, a link leads to another filesystem, or one was mounted meanwhile.
  void opened_on(dev_t device, bool is_mount_point);
  void saw_file(const std::string& path, dev_t device);
  /// That of the root when the store was opened; 0 where it did not answer then.
  dev_t device() const { return device_; }
  /// Whether the root was a mount point when the store was opened.
  bool is_mount_point() const { return is_mount_point_; }
  /// The root was just found where it should be; whether that was so a moment ago.
  void saw_root();
  bool saw_root_lately() const;

  /// Longest object name: PATH_MAX, less the root and the temporary that stands beside a new object.
  std::size_t max_name() const;

  /// The threads of the read queues.
  ThreadPool& readers() { return readers_; }

  bool closed() const { return closed_.load(std::memory_order_acquire); }
  std::stop_token closing() const { return closing_.get_token(); }
  void close();

 private:
  const StoreConfig config_;
  const std::string quoted_name_;
  const std::string root_;
  const Settings settings_;
  FileCalls& calls_;
  std::shared_ptr<Guard> guard_;
  std::atomic<bool> guarded_;
  std::atomic<bool> seen_hanging_ = false;
  std::atomic<dev_t> device_ = 0;
  std::atomic<bool> is_mount_point_ = false;
  std::atomic<Clock::Duration::rep> root_seen_ = std::numeric_limits<Clock::Duration::rep>::min();
  std::atomic<Clock::Duration::rep> next_look_ = std::numeric_limits<Clock::Duration::rep>::min();
  std::atomic<bool> closed_ = false;
  std::stop_source closing_;
  ThreadPool readers_;
};

/// What one copy_file_range moves: often enough to see a cancellation, rarely enough to cost nothing.
inline constexpr std::size_t kKernelCopy = std::size_t{16} << 20;
/// The buffer of a copy that the kernel cannot make.
inline constexpr std::size_t kCopyBuffer = std::size_t{1} << 20;
/// What is granted to cleaning up after a file that was given up; on a mount that hangs it goes on alone.
inline constexpr auto kCleanUpLimit = std::chrono::seconds(2);

/// A buffer of bulk memory with the promise that it came from.
struct ReservedBuffer {
  BufferPool::Ticket ticket;
  BufferPool::Buffer buffer;
  std::span<std::byte> bytes() const { return buffer.bytes(); }
};

/// One call into the store: the filesystem calls that it may make, within its context, and the words for
/// its errors. Lives on the stack of that call.
class Operation {
 public:
  /// `verb` ("stat", "put") and `object` must outlive it.
  Operation(Volume& volume, const Context& ctx, Access access, std::string_view verb, std::string_view object);
  /// The same through another guard: for files that do not lie in the store.
  Operation(Volume& volume, const Context& ctx, Access access, std::string_view verb, std::string_view object,
            std::shared_ptr<Guard> guard);
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  Volume& volume() const { return volume_; }
  const Context& context() const { return ctx_; }
  FileCalls& calls() { return *calls_; }

  /// kClosed, kCancelled or kDeadlineExceeded once the operation should end.
  Result<void> check() const;
  /// Also kReadOnly for a store that is.
  Result<void> check_writable() const;
  /// kInvalidPath for a name that cannot be an object's.
  Result<void> check_name() const;
  /// kUnavailable where the root is missing, or no longer the mount point that it was: what a disk that is not
  /// mounted holds is neither missing nor to be written elsewhere.
  Result<void> check_root() const;

  /// Memory for one step of copying; waits for it no longer than the store is open.
  Result<ReservedBuffer> reserve_buffer(std::size_t size) const;

  /// The failure of one step: a system error, or a reason of our own.
  std::unexpected<Error> failed(long error, std::string_view step) const;
  std::unexpected<Error> failed(ErrorCode code, std::string_view reason) const;

 private:
  std::string what() const;

  Volume& volume_;
  const Context& ctx_;
  Access access_;
  std::string_view verb_;
  std::string_view object_;
  std::optional<GuardedCalls> guarded_;
  FileCalls* calls_;
};

std::chrono::system_clock::time_point modified_at(const struct stat& status);
/// size, modification time and version of a file.
ObjectInfo object_info(const struct stat& status);

}  // namespace scabbard::posix
