// `scabbard processor transfer`: files and folders between the worker's disks and stores.
//
// What the stock processor does is kept where somebody may rely on it, and bettered where that loses data: see
// docs/semantics.md.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "scabbard/store.hpp"

namespace scabbard::extproc {

/// How far one route is, for people.
class TransferDisplay {
 public:
  virtual ~TransferDisplay() = default;
  /// Raised as bytes are taken. Lives as long as this.
  virtual std::atomic<std::uint64_t>* bytes() = 0;
  virtual void finished_object() = 0;
};

/// Where a transfer tells what it does. Called from any thread.
struct TransferReports {
  /// A route begins, of so many objects and bytes; it ends when the display goes.
  std::function<std::unique_ptr<TransferDisplay>(std::string_view title, std::uint64_t objects, std::uint64_t bytes)>
      begin;
  /// A line about something that is waited for.
  std::function<void(const std::string& line)> tell;
};

struct TransferOptions {
  /// allow_link of a task is heeded.
  bool links = true;
  /// What was written is read back and compared.
  bool read_back = false;
  /// How long what will mend itself is waited for.
  Clock::Duration give_up_after = std::chrono::hours(6);
  /// How many objects of a folder are copied at a time.
  unsigned jobs = 4;
  /// How many tasks are at work at a time, besides those that wait.
  unsigned concurrent = 32;
};

class Destinations;
class Turns;

class Transfer {
 public:
  /// `locator` outlives it.
  Transfer(Locator& locator, TransferOptions options, TransferReports reports);
  Transfer(Transfer&& other) noexcept;
  ~Transfer();

  /// Carries out a task, one route after the other, until one fails. Safe from any thread.
  Result<nlohmann::json> run(const Context& ctx, const nlohmann::json& task) const;

 private:
  Locator& locator_;
  TransferOptions options_;
  TransferReports reports_;
  std::unique_ptr<Destinations> destinations_;
  std::unique_ptr<Turns> turns_;
};

}  // namespace scabbard::extproc
