// A FUSE mount that a test freezes and thaws: the daemon of tests/frozen_mount, stopped with SIGSTOP.
//
// Nothing can hang for good: a watchdog kills the daemon when a freeze lasts too long, which releases every
// call stuck in the mount, and so do the destructor and the death of the test process.
//
// Belongs to the thread that made it: the daemon dies with that thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "support/temporary_folder.hpp"

namespace scabbard {

class FrozenMount {
 public:
  /// No freeze lasts longer. Far over any limit that a test expects.
  static constexpr std::chrono::seconds kLongestFreeze{20};

  /// An empty mount folder, not yet mounted.
  FrozenMount();
  ~FrozenMount();
  FrozenMount(const FrozenMount&) = delete;
  FrozenMount& operator=(const FrozenMount&) = delete;

  /// What is left when the daemon dies: nothing, or (what only a test that ends in order takes away again) a
  /// mount whose calls get ENOTCONN.
  enum class Remains { kNothing, kDeadMount };

  /// Mounts. False, with the reason in problem(), where FUSE cannot be used here.
  bool mount(Remains remains = Remains::kNothing);
  const std::string& problem() const { return problem_; }

  const std::filesystem::path& path() const { return path_; }
  /// The folder that the mount shows, reached without it.
  const std::filesystem::path& backing() const { return backing_; }

  /// On return the daemon has stopped: no call is answered any more.
  void freeze();
  void thaw();
  /// Kills the daemon. A mount of kDeadMount stays until unmount().
  void kill();
  /// Takes a mount of kDeadMount away, at once and whoever uses it. A daemon that was not killed stays, frozen
  /// or not, until the destructor, and those who have its files open still wait for it.
  void unmount();

  /// How many calls wait for the daemon; nothing where that cannot be told (it takes root).
  std::optional<int> calls_waiting() const;

  /// Whether the watchdog had to end a freeze: something hung.
  bool watchdog_struck() const;

 private:
  struct Daemon {
    pid_t process = -1;
    unsigned connection = 0;  // its number below /sys/fs/fuse/connections
  };

  std::optional<Daemon> start();
  static void end(std::optional<Daemon>& daemon);
  bool is_mounted() const;
  void watch(const std::stop_token& stop);

  TemporaryFolder folder_;
  std::filesystem::path path_;
  std::filesystem::path backing_;
  int control_ = -1;  // folder of the kernel's control filesystem, -1 without root
  std::string problem_;
  Remains remains_ = Remains::kNothing;
  std::optional<Daemon> daemon_;
  std::optional<Daemon> unmounted_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool struck_ = false;
  std::jthread watchdog_;  // while frozen
};

}  // namespace scabbard
