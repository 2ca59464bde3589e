// HTTP/1.1 as far as the scripted server needs it: heads of requests in, heads of responses out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scabbard::scripted {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The value of a header, empty where there is none; `name` in lower case.
std::string_view find_header(const Headers& headers, std::string_view name);

struct Request {
  std::string method;
  std::string path;                                        ///< percent-decoded, begins with '/'
  std::vector<std::pair<std::string, std::string>> query;  ///< percent-decoded
  Headers headers;                                         ///< names in lower case
  std::uint64_t body_size = 0;
  std::string body;  ///< empty where bodies are discarded

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  std::optional<std::string_view> parameter(std::string_view name) const;
  bool has(std::string_view name) const { return parameter(name).has_value(); }
};

/// Parses a request's head without the empty line at its end. Nothing where it is malformed, or the body has no
/// Content-Length (aws-chunked and chunked bodies are not spoken here).
std::optional<Request> parse_head(std::string_view head);

/// Bytes that repeat, so that a large object needs little memory: byte i is bytes[i % bytes.size()].
struct Content {
  std::shared_ptr<const std::string> bytes;
  std::uint64_t size = 0;

  static Content of(std::string text);
  static Content zeros(std::uint64_t size);
  /// The longest run from `offset` on that lies in one piece in memory.
  std::string_view run(std::uint64_t offset) const;
  std::string text() const;
};

struct Response {
  int status = 200;
  Headers headers;  ///< names as they are sent
  /// The body: `size` bytes of `content` from `offset` on.
  Content content;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool without_body = false;  ///< a HEAD's, or 204 and 304: `size` is told, nothing is sent

  void set_body(std::string text);
  /// Replaces a header; an empty value takes it away.
  void set_header(std::string_view name, std::string_view value);
};

/// Status line, headers, Content-Length and the empty line.
std::string head_of(const Response& response);

std::string percent_decoded(std::string_view text);
/// All but letters, digits and "-_.~/" as %XX.
std::string percent_encoded(std::string_view text);

/// "Wed, 25 Nov 2026 17:41:39 GMT"
std::string http_date(std::int64_t seconds_since_epoch);
/// "2026-11-25T17:41:39.000Z"
std::string xml_date(std::int64_t seconds_since_epoch);

}  // namespace scabbard::scripted
