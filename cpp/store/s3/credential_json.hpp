// The JSON in which processes and endpoints hand out credentials, and what a credential may be made of.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "scabbard/error.hpp"
#include "store/s3/credentials.hpp"

namespace scabbard::s3 {

/// Who wrote it: a credential_process says Version and SessionToken, an endpoint Code and Token.
enum class CredentialJson { kProcess, kEndpoint };

/// `source` begins the error ("the container endpoint"), which repeats nothing of `text`.
Result<Credentials> parse_credentials(CredentialJson kind, std::string_view text, std::string_view source);

/// Passes what can stand in a header: both keys are there, and nothing is in them but visible ASCII. `source` begins
/// the error.
Result<Credentials> checked(Credentials credentials, std::string_view source);

/// "2026-11-25T08:00:00Z", with fractions of a second or an offset like "+01:00" too.
std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text);

}  // namespace scabbard::s3
