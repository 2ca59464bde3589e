// Sectors that stay staged for a while after the answer: after one that names faults the same request comes again, some
// seconds later, without those.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "scabbard/context.hpp"
#include "sector/staging.hpp"

namespace scabbard::extproc {

struct KeptSector {
  std::unique_ptr<sector::StagedSector> files;
  sector::TreeLayout layout;
  bool has_cached_tops = false;
};

/// Safe from any thread. Has to go before the staging folder does.
class KeptSectors {
 public:
  /// `ctx`: whose clock says how long that is.
  explicit KeptSectors(Clock::Duration keep_for, const Context& ctx = {});

  /// `key`: the challenges, and where the sector lies.
  void keep(const std::string& key, KeptSector sector);
  /// Nothing where it is not kept, or not any more.
  std::optional<KeptSector> take(const std::string& key);
  /// Lets the one go that has been kept longest; false where there is none.
  bool drop_oldest();

 private:
  struct Entry {
    KeptSector sector;
    Clock::Time until;
  };
  using Entries = std::map<std::string, Entry>;

  void drop_expired(const Context& ctx);
  Entries::iterator oldest();

  const Clock::Duration keep_for_;
  const Context ctx_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Entries entries_;
  std::jthread dropping_;  // the last: it uses all others
};

}  // namespace scabbard::extproc
