// AWS Signature Version 4 in the Authorization header.
//
// Written for tens of thousands of small requests a second: the day's signing key is kept, as SHA-256 states that have
// already taken it in, and each thread reuses one digest context and its buffers.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/exchange.hpp"
#include "scabbard/error.hpp"
#include "store/s3/credentials.hpp"

namespace scabbard::s3 {

using net::Header;

/// What is signed of a request. `path` and `query` are sent as they are here: see uri_encoding.hpp.
struct Request {
  std::string_view method;
  std::string_view host;   ///< as in the URL: with the port, unless that is the scheme's own
  std::string_view path;   ///< begins with '/'
  std::string_view query;  ///< without '?'
  std::vector<Header> headers;
};

/// For `payload_hash`: the body is not looked at. Over TLS only, which protects it.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
/// For `payload_hash`: there is no body.
inline constexpr std::string_view kEmptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Signs for one region and service. Any number of threads may sign at once; they share the kept key, which is made
/// anew when the day or the credentials change. A Request belongs to one thread.
class Signer {
 public:
  explicit Signer(std::string region, std::string service = "s3");
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  /// Puts host, x-amz-date, x-amz-content-sha256 (S3 alone wants that), x-amz-security-token and authorization into the
  /// headers, in place of what an earlier attempt left there; with anonymous credentials host only. `payload_hash` is
  /// one of the two above or the SHA-256 of the body in lower-case hexadecimal; `now` is the server's time as far as it
  /// is known. kInternal where OpenSSL has no memory.
  ///
  /// Everything in the headers is signed, as AWS' own SDKs do, so that nobody on the way can change what is asked for
  /// (a range, a condition, metadata); but not what proxies, servers or libcurl add or change themselves.
  Result<void> sign(Request& request, const Credentials& credentials, std::string_view payload_hash,
                    std::chrono::system_clock::time_point now) const;

 private:
  class Key;
  Result<std::shared_ptr<const Key>> key_for(const Credentials& credentials, std::string_view day) const;

  const std::string region_;
  const std::string service_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Key> key_;  // of the credentials and the day used last
};

/// The canonical request and the names of its signed headers ("host;range"), appended to what is in the strings.
void append_canonical_request(const Request& request, std::string_view payload_hash, std::string& canonical,
                              std::string& signed_headers);

}  // namespace scabbard::s3
