// Where a server is, and which of several is asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard::net {

/// One address of a service. Immutable.
struct Endpoint {
  std::string origin;  ///< "https://host:9000", the port left out where it is the scheme's own; no trailing slash
  std::string host;    ///< what stands in the Host header: "host:9000", "[::1]:9000"
  std::string path;    ///< what every target begins with, percent-encoded: "" or "/dav"
  bool tls = false;
};

/// Parses "https://host:port/path". kInvalidArgument says what is wrong with it.
Result<Endpoint> parse_endpoint(std::string_view text);

/// The endpoints of one store: the first is asked until it does not answer, then the next. Safe from any thread.
class Endpoints {
 public:
  explicit Endpoints(std::vector<Endpoint> endpoints);

  /// The one to ask now.
  std::shared_ptr<const Endpoint> current() const;
  /// This one did not answer: another is current, if there is one.
  void failed(const std::shared_ptr<const Endpoint>& endpoint);
  /// Takes other ones, as after a redirect.
  void replace(std::vector<Endpoint> endpoints);

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const Endpoint>> endpoints_;
  std::size_t current_ = 0;
};

}  // namespace scabbard::net
