// Text for people: names quoted so that a hostile one cannot break a line, secrets taken out, the nearest
// known word for a typo.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace scabbard {

/// `text` in double quotes, with quotes, backslashes, control characters and bytes that are not UTF-8
/// written as \u00XX, and the middle of anything over `longest` bytes left out. A JSON string.
std::string quote(std::string_view text, std::size_t longest = 200);

/// `text` without secrets: the user part of URLs, the values of keys that name a secret, token, password,
/// signature or credential ("key=value", "key: value", JSON), and AWS access key ids.
std::string redacted(std::string_view text);

/// The candidate closest to `word` by edit distance, ignoring case; empty where none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace scabbard
