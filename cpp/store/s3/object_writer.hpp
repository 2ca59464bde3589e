// Objects written from a stream, and from a file.
#pragma once

#include <memory>
#include <string_view>

#include "scabbard/store.hpp"
#include "store/s3/bucket.hpp"

namespace scabbard::s3 {

Result<std::unique_ptr<Writer>> create_object(const Context& ctx, std::shared_ptr<Bucket> bucket,
                                              std::string_view object, const CreateOptions& options);

Result<WriteInfo> put_file(const Context& ctx, const std::shared_ptr<Bucket>& bucket, std::string_view object,
                           const FileSource& source, const CreateOptions& options);

}  // namespace scabbard::s3
