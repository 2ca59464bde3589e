// The Content-Range header.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace scabbard::net {

struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;  ///< 0: none of it, of an answer with status 416
  std::uint64_t object_size = 0;
};

/// "bytes 0-63/1000" or "bytes */1000". Nothing where it is malformed, contradicts itself, or the size is unknown
/// ("*").
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace scabbard::net
