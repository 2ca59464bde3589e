#include "base/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <vector>

namespace scabbard {
namespace {

// The length of the UTF-8 character that `text` begins with; 0 where it does not begin with one.
std::size_t utf8_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto continues = [&](std::size_t count) {
    if (text.size() <= count) return false;
    for (std::size_t i = 1; i <= count; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return false;
    }
    return true;
  };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && continues(1)) return 2;
  if (first >= 0xE0 && first <= 0xEF && continues(2)) {
    bool overlong = first == 0xE0 && byte(1) < 0xA0;
    bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && continues(3)) {
    bool overlong = first == 0xF0 && byte(1) < 0x90;
    bool beyond = first == 0xF4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

// Of a character of up to three bytes.
unsigned code_point(std::string_view character) {
  auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first;
  unsigned value = first & (0xFFU >> (character.size() + 1));
  for (char c : character.substr(1)) value = value << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return value;
}

// Control characters, and those that turn the direction of writing.
bool is_command(unsigned code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

void append_escaped(std::string& out, std::string_view text, bool quoted) {
  while (true) {
    auto plain = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    std::size_t length = utf8_length(text);
    auto first = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      out += fmt::format("\\u{:04x}", first);
      length = 1;
    } else if (length < 4 && is_command(code_point(text.substr(0, length)))) {
      out += fmt::format("\\u{:04x}", code_point(text.substr(0, length)));
    } else {
      if (quoted && length == 1) out += '\\';
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return same_ignoring_case(text.substr(0, start.size()), start);
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// "scheme://user:password@host": the part between "//" and the last '@' before the path.
Span url_user_at(std::string_view text, std::size_t at) {
  constexpr std::string_view kMark = "://";
  if (!text.substr(at).starts_with(kMark)) return {};
  std::size_t begin = at + kMark.size();
  std::size_t end = std::min(text.find_first_of("/ \t\n\"'", begin), text.size());
  std::size_t sign = text.substr(begin, end - begin).rfind('@');
  return sign == std::string_view::npos ? Span{} : Span{begin, begin + sign};
}

// "secret_access_key=...", "\"SessionToken\": \"...\"", "Authorization: AWS4-HMAC-SHA256 ...": the value.
Span key_value_at(std::string_view text, std::size_t at) {
  constexpr std::array<std::string_view, 7> kKeys = {"secret",    "token",      "passw",        "pwd",
                                                     "signature", "credential", "authorization"};
  std::string_view rest = text.substr(at);
  auto key = std::find_if(kKeys.begin(), kKeys.end(),
                          [&](std::string_view word) { return starts_with_ignoring_case(rest, word); });
  if (key == kKeys.end()) return {};
  std::size_t end_of_key = at;
  while (end_of_key < text.size() && is_word(text[end_of_key])) ++end_of_key;
  // CredentialsFile and the like name a file, not a secret.
  if (end_of_key >= at + 4 && starts_with_ignoring_case(text.substr(end_of_key - 4), "file")) return {};
  // So does read "/root/.aws/credentials": ...
  if (at > 0 && text[at - 1] == '/' && text.substr(end_of_key).starts_with("\":")) return {};

  std::size_t begin = end_of_key;
  bool assigned = false;
  while (begin < text.size() && std::string_view("\"'=: \t").find(text[begin]) != std::string_view::npos) {
    assigned = assigned || text[begin] == '=' || text[begin] == ':';
    ++begin;
  }
  if (!assigned) return {};
  std::string_view ends = *key == "authorization" ? "\"'\r\n" : "\"'\r\n\t ,;&}";
  return {begin, std::min(text.find_first_of(ends, begin), text.size())};
}

// An AWS access key id: AKIA or ASIA and 16 capitals or digits.
Span access_key_at(std::string_view text, std::size_t at) {
  constexpr std::size_t kLength = 20;
  std::string_view rest = text.substr(at, kLength);
  if (rest.size() < kLength || !(rest.starts_with("AKIA") || rest.starts_with("ASIA"))) return {};
  bool capitals = std::all_of(rest.begin(), rest.end(), [](char c) {
    return std::isupper(static_cast<unsigned char>(c)) != 0 || std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
  return capitals ? Span{at, at + kLength} : Span{};
}

Span secret_at(std::string_view text, std::size_t at) {
  for (auto find : {url_user_at, key_value_at, access_key_at}) {
    if (Span found = find(text, at); found.begin != found.end) return found;
  }
  return {};
}

// Levenshtein distance without regard to case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t replaced = diagonal + (ascii_lower(a[i]) == ascii_lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string quote(std::string_view text, std::size_t longest) {
  std::string out = "\"";
  if (text.size() <= longest) {
    append_escaped(out, text, true);
  } else {
    append_escaped(out, text.substr(0, longest / 2), true);
    out += "...";
    append_escaped(out, text.substr(text.size() - longest / 2), true);
  }
  out += '"';
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  append_escaped(out, text, false);
  return out;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, ascii_lower, ascii_lower);
}

std::string redacted(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;  // everything before is in `out`
  for (std::size_t at = 0; at < text.size(); ++at) {
    Span secret = secret_at(text, at);
    if (secret.begin == secret.end || secret.begin < done) continue;
    out += text.substr(done, secret.begin - done);
    out += "***";
    done = secret.end;
    at = done - 1;
  }
  out += text.substr(done);
  return out;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  // A third of the letters, but always room for two that changed places, where the word is not tiny.
  std::size_t allowed = word.size() <= 3 ? 1 : std::max<std::size_t>(word.size() / 3, 2);
  std::size_t least = allowed + 1;
  for (std::string_view candidate : candidates) {
    std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace scabbard
