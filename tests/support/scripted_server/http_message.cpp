#include "support/scripted_server/http_message.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace scabbard::scripted {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit = lower(digit);
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes what stands before `separator` off the front of `text`; all of it where there is none.
std::string_view take(std::string_view& text, std::string_view separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + separator.size());
  return taken;
}

void parse_target(std::string_view target, Request& request) {
  request.path = percent_decoded(take(target, "?"));
  while (!target.empty()) {
    std::string_view pair = take(target, "&");
    const std::string_view name = take(pair, "=");
    request.query.emplace_back(percent_decoded(name), percent_decoded(pair));
  }
}

bool parse_header_line(std::string_view line, Request& request) {
  if (line.find(':') == std::string_view::npos) return false;
  std::string name(take(line, ":"));
  std::ranges::transform(name, name.begin(), lower);
  request.headers.emplace_back(std::move(name), trimmed(line));
  return true;
}

bool parse_body_size(Request& request) {
  if (!request.header("transfer-encoding").empty()) return false;
  const std::string_view length = request.header("content-length");
  if (length.empty()) return true;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), request.body_size);
  return error == std::errc() && end == length.data() + length.size();
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 404:
      return "Not Found";
    case 503:
      return "Slow Down";
    default:
      return "-";
  }
}

std::string formatted(std::int64_t seconds_since_epoch, const char* format) {
  const std::time_t seconds = seconds_since_epoch;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

}  // namespace

std::string_view find_header(const Headers& headers, std::string_view name) {
  for (const auto& [known, value] : headers) {
    if (known.size() == name.size() && ::strncasecmp(known.data(), name.data(), name.size()) == 0) return value;
  }
  return {};
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [known, value] : query) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<Request> parse_head(std::string_view head) {
  Request request;
  std::string_view line = take(head, "\r\n");
  request.method = take(line, " ");
  const std::string_view target = take(line, " ");
  if (target.empty() || target.front() != '/' || line != "HTTP/1.1") return std::nullopt;
  parse_target(target, request);
  while (!head.empty()) {
    if (!parse_header_line(take(head, "\r\n"), request)) return std::nullopt;
  }
  if (!parse_body_size(request)) return std::nullopt;
  return request;
}

Content Content::of(std::string text) {
  const std::uint64_t size = text.size();
  return {.bytes = std::make_shared<const std::string>(std::move(text)), .size = size};
}

Content Content::zeros(std::uint64_t size) {
  static const auto block = std::make_shared<const std::string>(std::size_t{1} << 20, '\0');
  return {.bytes = block, .size = size};
}

std::string_view Content::run(std::uint64_t offset) const {
  const std::string_view all = *bytes;
  return all.substr(offset % all.size()).substr(0, size - offset);
}

std::string Content::text() const {
  std::string all;
  while (all.size() < size) all += run(all.size());
  return all;
}

void Response::set_body(std::string text) {
  content = Content::of(std::move(text));
  offset = 0;
  size = content.size;
}

void Response::set_header(std::string_view name, std::string_view value) {
  std::erase_if(headers, [&](const auto& header) {
    return header.first.size() == name.size() && ::strncasecmp(header.first.data(), name.data(), name.size()) == 0;
  });
  if (!value.empty()) headers.emplace_back(name, value);
}

std::string head_of(const Response& response) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reason_of(response.status);
  head += "\r\n";
  for (const auto& [name, value] : response.headers) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  const bool told = response.status != 204 && response.status != 304;
  if (told && find_header(response.headers, "content-length").empty()) {
    head += "Content-Length: " + std::to_string(response.size) + "\r\n";
  }
  head += "\r\n";
  return head;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escaped) {
      decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-_.~/";
  std::string encoded;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool alphanumeric = (lower(letter) >= 'a' && lower(letter) <= 'z') || (letter >= '0' && letter <= '9');
    if (alphanumeric || kPlain.find(letter) != std::string_view::npos) {
      encoded += letter;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

std::string http_date(std::int64_t seconds_since_epoch) {
  return formatted(seconds_since_epoch, "%a, %d %b %Y %H:%M:%S GMT");
}

std::string xml_date(std::int64_t seconds_since_epoch) {
  return formatted(seconds_since_epoch, "%Y-%m-%dT%H:%M:%S.000Z");
}

}  // namespace scabbard::scripted
