// Everything that can be asked of a store, as data: what there was before, what there is when it succeeded.
// The tests of this folder run each of them with something going wrong at every call that it makes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "store/posix/posix_store.hpp"
#include "support/byte_patterns.hpp"
#include "support/faulty_file_calls.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::posix {

struct Undertaking {
  std::string name;
  std::string object;           ///< the one that it is about; empty: the store
  std::optional<Bytes> before;  ///< what that holds before; nothing: it is not there
  std::optional<Bytes> after;   ///< and after a success
  /// A wrong answer (not: a wrong state of the store) is kCorrupt.
  std::function<Result<void>(Store& store, const Context& ctx)> run;
  /// What an error may name in the object's place: where a copy comes from.
  std::string source = {};
};

std::ostream& operator<<(std::ostream& out, const Undertaking& undertaking);

const std::vector<Undertaking>& undertakings();

/// A store with what an undertaking needs and some more, on calls that can go wrong. It lies in memory.
class Scene {
 public:
  Scene(const Undertaking& undertaking, Settings::Guard guard, Clock& clock = Clock::steady());

  FaultyFileCalls& calls() { return calls_; }
  /// Runs the undertaking, then closes and forgets the store.
  Result<void> run(const Context& ctx);

  /// What must be so whatever went wrong: the object whole, as it was or as it was to be, the latter if
  /// `outcome` is a success; an error that names the object; the others untouched; no descriptor left open.
  /// `may_hide_success`: an error need not say that the object is there nevertheless.
  void expect_whole(const Result<void>& outcome, bool may_hide_success);
  /// No temporary is left.
  void expect_no_leftovers();

 private:
  const Undertaking& undertaking_;
  TemporaryFolder folder_{TemporaryFolder::Where::kMemory};
  FaultyFileCalls calls_{kernel_calls()};
  std::shared_ptr<Store> store_;
};

}  // namespace scabbard::posix
