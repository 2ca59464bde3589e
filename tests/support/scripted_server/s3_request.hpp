// Reading requests the way S3 does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/scripted_server/http_message.hpp"

namespace scabbard::scripted {

/// What a request is for, by path or by a Host that ends in ".localhost".
struct Address {
  std::string bucket;
  std::string key;
};

Address address_of(const Request& request);

/// What a request asks for, by S3's own names: "get_object", "upload_part"; "other" where S3 has no such call.
std::string_view kind_of(const Request& request);

/// Nothing where the text is no number, or has more in it.
std::optional<std::uint64_t> number(std::string_view text);

struct Range {
  std::uint64_t first = 0;
  std::uint64_t size = 0;  ///< 0: not satisfiable
};

/// "bytes=1-2", "bytes=1-", "bytes=-2" of so many bytes; nothing where it is none of these and therefore ignored.
std::optional<Range> parse_range(std::string_view text, std::uint64_t size);

}  // namespace scabbard::scripted
