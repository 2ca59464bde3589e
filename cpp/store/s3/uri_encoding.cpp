#include "store/s3/uri_encoding.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace scabbard::s3 {
namespace {

constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> table{};
  constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (char c : kUnreserved) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr auto kUnreserved = make_unreserved();

void append_encoded(std::string& out, std::string_view text, bool keep_slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  auto is_plain = [&](char c) { return kUnreserved[static_cast<unsigned char>(c)] || (keep_slash && c == '/'); };
  while (true) {
    auto plain = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
    out += text.substr(0, plain);
    if (plain == text.size()) return;
    auto byte = static_cast<unsigned char>(text[plain]);
    out += {'%', kDigits[byte >> 4], kDigits[byte & 0xF]};
    text.remove_prefix(plain + 1);
  }
}

std::string encoded(std::string_view text, bool keep_slash) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  append_encoded(out, text, keep_slash);
  return out;
}

}  // namespace

std::string encoded_path(std::string_view path) { return encoded(path, true); }

std::string encoded_query(std::span<const QueryParameter> parameters) {
  std::vector<std::pair<std::string, std::string>> sorted;
  sorted.reserve(parameters.size());
  for (const auto& [name, value] : parameters) sorted.emplace_back(encoded(name, false), encoded(value, false));
  // As pairs, not as "name=value": '=' sorts behind '-' and '.', which names may hold.
  std::ranges::sort(sorted);
  std::string out;
  for (const auto& [name, value] : sorted) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

}  // namespace scabbard::s3
