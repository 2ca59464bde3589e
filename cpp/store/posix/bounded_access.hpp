// Looking at paths outside of any store, which may lie on a mount that hangs: each call takes 5 s at most and
// is kUnavailable then.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"
#include "store/posix/guard.hpp"

namespace scabbard::posix {

/// To what lies in and below one folder. Kept while that does not answer, it fails at once, and asks now and
/// then whether it is back. Safe from any thread.
class BoundedAccess {
 public:
  explicit BoundedAccess(std::string folder);
  ~BoundedAccess();
  BoundedAccess(const BoundedAccess&) = delete;
  BoundedAccess& operator=(const BoundedAccess&) = delete;

  const std::string& folder() const { return folder_; }

  /// The content of a file of at most 1 MiB, nothing where there is none.
  Result<std::optional<std::string>> read_small_file(const Context& ctx, const std::string& path);
  /// Whether the folder is there.
  Result<bool> is_there(const Context& ctx);
  /// Whether the path of the folder is that of a link.
  Result<bool> is_link(const Context& ctx);
  /// Calls under way and later ones are kClosed.
  void stop() { guard_->stop(); }

 private:
  const std::string folder_;
  std::shared_ptr<Guard> guard_;
};

}  // namespace scabbard::posix
