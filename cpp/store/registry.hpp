// The backends there are. A new one is one entry in registry.cpp and its options in base/options.cpp.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/options.hpp"
#include "scabbard/store.hpp"

namespace scabbard {

struct Backend {
  std::string_view scheme;
  /// Opens a store of `config` at `url`, whose scheme is this one. `config` has its name, and the path that
  /// locations begin with.
  Result<std::shared_ptr<Store>> (*open)(StoreConfig config, std::string_view url, const Options& options);
};

std::span<const Backend> backends();

/// The backend of a URL's scheme; kUnsupported names those there are.
Result<const Backend*> backend_for(std::string_view url);

}  // namespace scabbard
