// Where credentials come from, seen by the provider that keeps them.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"
#include "store/s3/credentials.hpp"

namespace scabbard::s3 {

/// Used by one thread at a time.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// Blocks; ends with `ctx`. Errors say what to do and hold no secret.
  virtual Result<Credentials> load(const Context& ctx) = 0;
  /// Differs once load() may give others because a file was changed. Cheap.
  virtual std::string fingerprint() const = 0;
};

/// A request to an endpoint that hands out credentials. Headers may be secrets.
struct HttpQuestion {
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// Sends a request without a body and waits for the answer, of any status, as long as the context says: without
/// proxies, redirects and retries.
using Fetch = std::function<Result<HttpAnswer>(const Context&, const HttpQuestion&)>;

}  // namespace scabbard::s3
