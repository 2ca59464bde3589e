#include "net/endpoint.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace scabbard::net {
namespace {

struct HostAndPort {
  std::string host;  // in brackets where it is an IPv6 address
  unsigned port = 0;
};

std::unexpected<Error> malformed(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("endpoint {}: {} (such as https://s3.example.com:9000)", quote(redacted(text)), why));
}

bool is_host_character(unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_'; }

Result<HostAndPort> split_authority(std::string_view authority, unsigned default_port, std::string_view text) {
  HostAndPort out{.host = {}, .port = default_port};
  std::size_t end = authority.find(':');
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos) return malformed(text, "an IPv6 address ends with ]");
    if (!std::ranges::all_of(authority.substr(1, end - 1),
                             [](unsigned char c) { return std::isxdigit(c) != 0 || c == ':' || c == '.'; })) {
      return malformed(text, "not an IPv6 address between [ and ]");
    }
    ++end;
  } else if (!std::ranges::all_of(authority.substr(0, end), is_host_character)) {
    return malformed(text, "not a host name");
  }
  out.host = authority.substr(0, end);
  if (out.host.empty()) return malformed(text, "no host");
  std::ranges::transform(out.host, out.host.begin(), ascii_lower);
  std::string_view rest = authority.substr(std::min(end, authority.size()));
  if (rest.empty()) return out;
  rest.remove_prefix(1);
  out.port = whole_number<unsigned>(rest).value_or(0);
  if (out.port == 0 || out.port > 65535) return malformed(text, "the port is a number up to 65535");
  return out;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    endpoint.tls = true;
  } else if (!rest.starts_with("http://")) {
    return malformed(text, "must begin with https:// or http://");
  }
  rest.remove_prefix(rest.find("//") + 2);
  if (rest.contains('@')) return malformed(text, "carries credentials, which are given by environment or file");
  if (rest.find_first_of("?# ") != std::string_view::npos) return malformed(text, "has no query");
  std::size_t slash = std::min(rest.find('/'), rest.size());
  const unsigned default_port = endpoint.tls ? 443 : 80;
  auto authority = split_authority(rest.substr(0, slash), default_port, text);
  if (!authority) return fail(std::move(authority).error());
  endpoint.host = authority->host;
  if (authority->port != default_port) endpoint.host += fmt::format(":{}", authority->port);
  endpoint.origin = fmt::format("{}://{}", endpoint.tls ? "https" : "http", endpoint.host);
  endpoint.path = rest.substr(slash);
  while (endpoint.path.ends_with('/')) endpoint.path.pop_back();
  return endpoint;
}

Endpoints::Endpoints(std::vector<Endpoint> endpoints) { replace(std::move(endpoints)); }

std::shared_ptr<const Endpoint> Endpoints::current() const {
  std::lock_guard lock(mutex_);
  return endpoints_[current_];
}

void Endpoints::failed(const std::shared_ptr<const Endpoint>& endpoint) {
  std::lock_guard lock(mutex_);
  // Many requests find out at once: only the first of them moves on.
  if (endpoints_[current_] == endpoint) current_ = (current_ + 1) % endpoints_.size();
}

void Endpoints::replace(std::vector<Endpoint> endpoints) {
  std::lock_guard lock(mutex_);
  endpoints_.clear();
  for (Endpoint& endpoint : endpoints) endpoints_.push_back(std::make_shared<const Endpoint>(std::move(endpoint)));
  current_ = 0;
}

}  // namespace scabbard::net
