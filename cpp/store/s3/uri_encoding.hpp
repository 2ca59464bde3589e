// Path and query as S3 wants them: what these functions give is sent as it is and signed as it is.
//
// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX, with capitals. Paths are not normalised: "a//b" and "a/../b" are
// names of objects. Pure functions, safe from any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace scabbard::s3 {

/// The encoded path, each '/' kept; nothing is put in front.
std::string encoded_path(std::string_view path);

struct QueryParameter {
  std::string_view name;
  std::string_view value;  ///< empty for "uploads" and the like: that is sent as "uploads="
};

/// "a=1&b=2", sorted by encoded name, then by encoded value; no '?' in front.
std::string encoded_query(std::span<const QueryParameter> parameters);

}  // namespace scabbard::s3
