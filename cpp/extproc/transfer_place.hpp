// What the ends of a transfer's route are: files of this machine, or objects of a store.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "extproc/transfer_task.hpp"
#include "scabbard/store.hpp"

namespace scabbard::extproc {

/// An end, found.
struct Place {
  std::shared_ptr<Store> store;
  std::string object;
  bool is_local = false;  ///< in no store of damocles'
  std::string path;       ///< as the task has it

  bool is_file_of_this_machine() const { return store->capabilities().local_files; }
  std::string location() const { return store->location(object); }
  /// The same of two stores that have one bucket.
  std::string identity() const;
  /// What a path in the folder of a store does not show, for messages; begins with a space.
  std::string remark() const;
};

/// kInvalidPath, of what a transfer does not do.
std::unexpected<Error> refused(std::string why);

/// Finds an end; `side` is what messages call it. kInvalidPath where it does not lie in the store that the task names;
/// kUnavailable where that is not mounted.
Result<Place> find_place(const Context& ctx, Locator& locator, const TransferTask& task, const TransferEnd& end,
                         std::string_view side);

/// Whether they are one object or folder, so that there is nothing to do.
bool is_same(const Place& from, const Place& to, bool is_folder);

/// That neither lies in the other: what is replaced would be what is copied.
Result<void> check_apart(const Place& from, const Place& to);

}  // namespace scabbard::extproc
