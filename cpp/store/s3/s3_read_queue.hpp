// Many small reads at once, as ranged GETs and HEADs.
//
// Ranges of one object that are submitted together, lie no further apart than MergeGap and are no longer than 64 KiB in
// all become one request: a rule that depends on nothing else, so that the number of requests is known beforehand.
#pragma once

#include <memory>

#include "scabbard/store.hpp"
#include "store/s3/bucket.hpp"

namespace scabbard::s3 {

std::unique_ptr<ReadQueue> make_read_queue(std::shared_ptr<Bucket> bucket);

}  // namespace scabbard::s3
