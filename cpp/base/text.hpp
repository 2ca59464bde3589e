// Text for people: names quoted so that a hostile one cannot break a line, secrets taken out, the nearest
// known word for a typo.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace scabbard {

/// printable() in double quotes, with quotes and backslashes escaped and the middle of anything over `longest` bytes
/// left out. A JSON string.
std::string quote(std::string_view text, std::size_t longest = 200);

/// `text` with what a terminal would obey written as \u00XX: control characters, those that turn the direction of
/// writing, bytes that are not UTF-8.
std::string printable(std::string_view text);

/// Whether it is UTF-8.
bool is_utf8(std::string_view text);

/// `text` without secrets: the user part of URLs, the values of keys that name a secret, token, password,
/// signature or credential ("key=value", "key: value", JSON), and AWS access key ids.
std::string redacted(std::string_view text);

/// ASCII, whatever the locale.
constexpr char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Whether they differ in the case of ASCII letters at most.
bool same_ignoring_case(std::string_view a, std::string_view b);

/// The candidate closest to `word` by edit distance, ignoring case; empty where none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace scabbard
