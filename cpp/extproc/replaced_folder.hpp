// What lies in a folder that a transfer replaces: what is in the way of its objects goes before, the rest after they
// are in place.
#pragma once

#include <set>
#include <string>

#include "scabbard/store.hpp"

namespace scabbard::extproc {

class ReplacedFolder {
 public:
  /// Looks at all that is in it; `others` (see ListOptions): not only objects and links to folders.
  static Result<ReplacedFolder> look(const Context& ctx, Store& store, const std::string& folder, bool others);
  /// One that is a link as a whole.
  static ReplacedFolder link(std::string folder);

  bool empty() const { return names_.empty(); }

  /// Removes what is a file where a folder of one of `objects` is to be, or no file where one of them is to be.
  Result<void> clear_way(const Context& ctx, Store& store, const std::set<std::string>& objects);
  /// Removes what is none of `objects`, and folders in which nothing is left.
  Result<void> remove_rest(const Context& ctx, Store& store, const std::set<std::string>& objects);

 private:
  explicit ReplacedFolder(std::string folder) : folder_(std::move(folder)) {}
  Result<void> remove(const Context& ctx, Store& store, const std::set<std::string>& names);

  std::string folder_;
  std::set<std::string> names_;
  std::set<std::string> others_;  // of these, what is neither object nor folder
};

}  // namespace scabbard::extproc
