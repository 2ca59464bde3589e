// The JSON in which the C interface takes a store's configuration: damocles' objstore.Config.
#pragma once

#include <string_view>

#include "scabbard/store.hpp"

namespace scabbard {

/// kInvalidArgument for malformed text, unknown keys and values of the wrong type.
Result<StoreConfig> parse_store_config(std::string_view json);

}  // namespace scabbard
