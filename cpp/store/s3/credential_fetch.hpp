// How the endpoints that hand out credentials are asked.
#pragma once

#include "store/s3/credential_source.hpp"

namespace scabbard::s3 {

/// A Fetch over the engine of the process.
Result<HttpAnswer> fetch(const Context& ctx, const HttpQuestion& question);

}  // namespace scabbard::s3
