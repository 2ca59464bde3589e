// Lists of objects, and of multipart uploads.
#pragma once

#include <memory>
#include <vector>

#include "scabbard/store.hpp"
#include "store/s3/bucket.hpp"

namespace scabbard::s3 {

Result<std::unique_ptr<Lister>> list_objects(const Context& ctx, std::shared_ptr<Bucket> bucket,
                                             const ListOptions& options);

/// Of everybody, below the store's prefix.
/// Of the object or folder of that name (empty: the store).
Result<std::vector<UnfinishedWrite>> list_uploads(const Context& ctx, Bucket& bucket, std::string_view name);

}  // namespace scabbard::s3
