// The little that a store URL is made of: scheme://authority/path.
#pragma once

#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard {

struct Url {
  std::string scheme;     ///< lower case
  std::string authority;  ///< host and port, or bucket; may be empty
  std::string path;       ///< decoded, begins with '/' or is empty
};

/// Whether `text` is a URL rather than a path: it begins with letters and "://".
bool is_url(std::string_view text);

/// kInvalidArgument for malformed ones and for those that carry credentials; these are not repeated.
Result<Url> parse_url(std::string_view text);

}  // namespace scabbard
