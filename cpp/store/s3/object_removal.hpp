// Many objects removed at once.
#pragma once

#include <span>

#include "store/s3/bucket.hpp"

namespace scabbard::s3 {

/// Whether one was there is not told. Where the server knows no such request, one after the other.
void remove_objects(const Operation& op, std::span<ObjectRemoval> removals);

}  // namespace scabbard::s3
