// The registry's entry for file stores.
#pragma once

#include <memory>
#include <string_view>

#include "base/options.hpp"
#include "scabbard/store.hpp"

namespace scabbard::posix {

/// file:///path, or the store folder itself where `url` is empty.
Result<std::shared_ptr<Store>> open_backend(StoreConfig config, std::string_view url, const Options& options);

}  // namespace scabbard::posix
