// An object open for reading: sequential reads from a window of ranged GETs, the others straight into their place.
#pragma once

#include <memory>
#include <string_view>

#include "scabbard/store.hpp"
#include "store/s3/bucket.hpp"

namespace scabbard::s3 {

Result<std::unique_ptr<Reader>> open_object(const Context& ctx, std::shared_ptr<Bucket> bucket,
                                            std::string_view object);

}  // namespace scabbard::s3
