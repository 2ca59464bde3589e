#include "extproc/destinations.hpp"

#include <algorithm>

#include "store/object_name.hpp"

namespace scabbard::extproc {

Result<std::shared_ptr<void>> Destinations::claim(const Context& ctx, const std::string& path) {
  std::unique_lock lock(mutex_);
  if (auto ended = ctx.wait(lock, changed_, [&] { return is_free(path); })) {
    return fail(*ended, "wait for another transfer to the same place");
  }
  return take(path);
}

std::shared_ptr<void> Destinations::try_claim(const std::string& path) {
  std::lock_guard lock(mutex_);
  return is_free(path) ? take(path) : nullptr;
}

std::shared_ptr<void> Destinations::take(const std::string& path) {
  claimed_.insert(path);
  return std::shared_ptr<void>(nullptr, [this, path](void*) {
    std::lock_guard again(mutex_);
    claimed_.erase(path);
    changed_.notify_all();
  });
}

bool Destinations::is_free(const std::string& path) const {
  return std::ranges::none_of(claimed_, [&](const std::string& other) {
    return other == path || lies_in(other, path) || lies_in(path, other);
  });
}

}  // namespace scabbard::extproc
