// Objects in a bucket: the scheme "s3".
#pragma once

#include <memory>

#include "scabbard/store.hpp"
#include "store/s3/settings.hpp"

namespace scabbard::s3 {

/// Asks nobody yet.
std::shared_ptr<Store> open_store(StoreConfig config, Settings settings);

}  // namespace scabbard::s3
