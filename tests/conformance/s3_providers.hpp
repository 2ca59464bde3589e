// Stores on real S3 servers, and on the scripted one, which is a small S3 in memory.
#pragma once

#include <vector>

#include "conformance/provider.hpp"

namespace scabbard {

std::vector<Provider> s3_providers();

}  // namespace scabbard
