// The canonical request against a slow and obvious one. The input's lines: the path, then "name=value" of the query,
// then after an empty line "name:value" of the headers.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "input.hpp"
#include "store/s3/signer.hpp"
#include "store/s3/uri_encoding.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

namespace {

std::string obvious_encoding(std::string_view text, bool keep_slash) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool plain = (byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '.' || c == '_' || c == '~';
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", byte);
    out += plain || (keep_slash && c == '/') ? std::string(1, c) : std::string(code);
  }
  return out;
}

std::string obvious_query(const std::vector<s3::QueryParameter>& parameters) {
  std::multiset<std::pair<std::string, std::string>> sorted;
  for (const auto& [name, value] : parameters) {
    sorted.emplace(obvious_encoding(name, false), obvious_encoding(value, false));
  }
  std::string out;
  for (const auto& [name, value] : sorted) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::string obvious_value(const std::string& value) {
  std::string out;
  for (char c : value) {
    char as_space = c == '\t' ? ' ' : c;
    if (as_space != ' ' || (!out.empty() && out.back() != ' ')) out += as_space;
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// What is before `mark`, and what behind.
std::pair<std::string_view, std::string_view> cut(std::string_view line, char mark) {
  std::size_t at = std::min(line.find(mark), line.size());
  return {line.substr(0, at), line.substr(std::min(at + 1, line.size()))};
}

std::string obvious_request(const s3::Request& request, std::string& names) {
  const std::set<std::string> others = {"authorization",   "connection",        "expect",         "user-agent",
                                        "accept-encoding", "transfer-encoding", "x-amzn-trace-id"};
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) {
    std::string key;
    for (char c : name) key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (others.contains(key)) continue;
    bool again = headers.contains(key);
    headers[key] += (again ? "," : "") + obvious_value(value);
  }
  std::string lines;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() && name == headers.begin()->first ? "" : ";") + name;
  }
  return "GET\n" + std::string(request.path) + "\n" + std::string(request.query) + "\n" + lines + "\n" + names +
         "\nhash";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text(data, size);
  std::string_view plain_path = fuzz::next_line(rest);
  std::string path = s3::encoded_path(plain_path);
  SCABBARD_FUZZ_CHECK(path == obvious_encoding(plain_path, true));

  std::vector<s3::QueryParameter> parameters;
  for (std::string_view line = fuzz::next_line(rest); !line.empty(); line = fuzz::next_line(rest)) {
    auto [name, value] = cut(line, '=');
    parameters.push_back({.name = name, .value = value});
  }
  std::string query = s3::encoded_query(parameters);
  SCABBARD_FUZZ_CHECK(query == obvious_query(parameters));

  s3::Request request{.method = "GET", .host = "host", .path = path, .query = query, .headers = {}};
  while (!rest.empty()) {
    auto [name, value] = cut(fuzz::next_line(rest), ':');
    request.headers.push_back({std::string(name), std::string(value)});
  }
  std::string canonical;
  std::string names;
  s3::append_canonical_request(request, "hash", canonical, names);
  std::string obvious_names;
  SCABBARD_FUZZ_CHECK(canonical == obvious_request(request, obvious_names));
  SCABBARD_FUZZ_CHECK(names == obvious_names);
  return 0;
}
