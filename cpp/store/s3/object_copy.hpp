// Copies that the server makes by itself.
#pragma once

#include "scabbard/store.hpp"
#include "store/s3/bucket.hpp"

namespace scabbard::s3 {

/// Copies `source_object` of another bucket on the same server. Objects of more than 5 GiB in parts. kUnsupported for
/// an exclusive copy, which S3 does not know.
Result<WriteInfo> copy_object_on_server(const Context& ctx, Bucket& bucket, Bucket& source, const ObjectCopy& copy);

/// Whether both are on one server, for the same user as far as can be told.
bool is_same_server(const Bucket& a, const Bucket& b);

}  // namespace scabbard::s3
