// The little that a store URL is made of: scheme://authority/path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard {

struct Url {
  std::string scheme;     ///< lower case
  std::string authority;  ///< host and port, or bucket; may be empty
  std::string path;       ///< decoded, begins with '/' or is empty

  /// Whether a file URL is of this machine's files: file:///data or file://localhost/data.
  bool is_local_file() const;
};

/// Whether `text` is a URL rather than a path: it begins with letters and "://".
bool is_url(std::string_view text);

/// `text` with each %XX as the byte that it means; nothing where one is malformed.
std::optional<std::string> percent_decoded(std::string_view text);

/// A path or URL without the slashes at its end, but for those that are all of its path.
std::string without_trailing_slashes(std::string text);

/// kInvalidArgument for malformed ones and for those that carry credentials; these are not repeated.
Result<Url> parse_url(std::string_view text);

}  // namespace scabbard
