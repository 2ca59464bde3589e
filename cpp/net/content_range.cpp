#include "net/content_range.hpp"

#include <charconv>

namespace scabbard::net {
namespace {

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!take(text, "bytes ")) return std::nullopt;
  ContentRange range;
  if (!take(text, "*")) {
    auto first = take_number(text);
    if (!first || !take(text, "-")) return std::nullopt;
    auto last = take_number(text);
    if (!last || *last < *first || *last - *first == ~std::uint64_t{0}) return std::nullopt;
    range.first = *first;
    range.length = *last - *first + 1;
  }
  if (!take(text, "/")) return std::nullopt;
  auto size = take_number(text);
  if (!size || !text.empty() || range.length > *size || range.first > *size - range.length) return std::nullopt;
  range.object_size = *size;
  return range;
}

}  // namespace scabbard::net
