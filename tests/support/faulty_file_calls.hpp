// FileCalls of which one chosen call goes wrong, and that keep account of descriptors.
//
// A test runs an operation again and again with the fault at call 1, 2, 3, ... until the operation makes
// fewer calls than that: fault_struck() is then false.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "support/intercepting_file_calls.hpp"

namespace scabbard::posix {

struct Fault {
  enum class Kind {
    kFails,         ///< The call is not made and returns the error; close is made all the same.
    kFailsAfter,    ///< The call is made, its success lost: what NFS does to an answer.
    kFailsFromNow,  ///< So do this call and all later ones: a disk that has gone. Descriptors still close.
    kShort,         ///< The call moves only the first half of its bytes, at least one.
    kActs,          ///< The call is made after `action` has run: a cancellation that comes meanwhile.
  };
  Kind kind = Kind::kFails;
  int error = 0;  ///< errno
  std::function<void()> action = {};
};

class FaultyFileCalls final : public InterceptingFileCalls {
 public:
  using InterceptingFileCalls::InterceptingFileCalls;

  /// The `number`th call from here on (1 is the next) suffers `fault`.
  void arm(std::size_t number, Fault fault);
  /// No fault any more; counting goes on.
  void disarm();

  /// How many calls there were since arm().
  std::size_t calls() const;
  /// The call that the fault has struck, if it has.
  std::optional<CallSite> fault_struck() const;

  /// Each call returns EINTR once before it is made. Close is left alone: on Linux the descriptor is gone.
  void interrupt_every_call(bool on);
  /// No call moves more than `bytes` at once.
  void shorten_every_transfer(std::size_t bytes);

  /// What was opened and not closed: "12 (sealed/x)".
  std::vector<std::string> open_descriptors() const;

 protected:
  long around(const CallSite& site, const Make& make) override;

 private:
  long made(const CallSite& site, const Make& make, std::size_t length);

  mutable std::mutex mutex_;
  std::size_t calls_ = 0;
  std::size_t fault_at_ = 0;  // 0: none
  Fault fault_;
  std::optional<CallSite> struck_;
  bool interrupting_ = false;
  std::map<std::string, int> interrupted_;
  std::size_t most_bytes_ = static_cast<std::size_t>(-1);
  std::map<int, std::string> open_;
};

}  // namespace scabbard::posix
