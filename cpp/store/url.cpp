#include "store/url.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace scabbard {
namespace {

constexpr std::string_view kMark = "://";

std::size_t scheme_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && std::isalnum(static_cast<unsigned char>(text[length])) != 0) ++length;
  return length > 0 && text.substr(length).starts_with(kMark) ? length : 0;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    std::string_view digits = text.substr(i + 1, 2);
    auto byte = whole_number<unsigned char>(digits, 16);
    if (digits.size() != 2 || !byte) return std::nullopt;
    out += static_cast<char>(*byte);
    i += 2;
  }
  return out;
}

bool Url::is_local_file() const {
  return scheme == "file" && (authority.empty() || authority == "localhost") && path.starts_with('/');
}

bool is_url(std::string_view text) { return scheme_length(text) > 0; }

std::string without_trailing_slashes(std::string text) {
  std::size_t least = is_url(text) ? scheme_length(text) + kMark.size() + 1 : 1;
  while (text.size() > least && text.back() == '/') text.pop_back();
  return text;
}

Result<Url> parse_url(std::string_view text) {
  std::size_t length = scheme_length(text);
  if (length == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is not a URL (scheme://host/path)", quote(redacted(text))));
  }
  if (text.contains('\0'))
    return fail(ErrorCode::kInvalidArgument, fmt::format("URL {}: contains a NUL byte", quote(redacted(text))));
  Url url;
  url.scheme = text.substr(0, length);
  std::ranges::transform(url.scheme, url.scheme.begin(), ascii_lower);
  text.remove_prefix(length + kMark.size());
  std::size_t slash = std::min(text.find('/'), text.size());
  url.authority = text.substr(0, slash);
  if (url.authority.contains('@')) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} URL carries credentials; give them by environment or credentials file", url.scheme));
  }
  auto path = percent_decoded(text.substr(slash));
  if (!path || path->contains('\0')) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("URL path {}: malformed % escape", quote(redacted(text.substr(slash)))));
  }
  url.path = *std::move(path);
  return url;
}

}  // namespace scabbard
