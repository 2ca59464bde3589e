// The scheme "s3" for the registry.
#pragma once

#include <memory>
#include <string_view>

#include "base/options.hpp"
#include "scabbard/store.hpp"

namespace scabbard::s3 {

Result<std::shared_ptr<Store>> open_backend(StoreConfig config, std::string_view url, const Options& options);

}  // namespace scabbard::s3
