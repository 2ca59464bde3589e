// What requests are signed with.
#pragma once

#include <chrono>
#include <optional>
#include <ostream>
#include <string>

namespace scabbard::s3 {

/// A plain value. Nothing prints it: neither streams nor fmt know how, and tests cannot show one by accident.
struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< empty for keys that do not expire
  std::optional<std::chrono::system_clock::time_point> expires;
  bool anonymous = false;  ///< Requests are not signed; everything else is empty.

  bool operator==(const Credentials&) const = default;
};

std::ostream& operator<<(std::ostream&, const Credentials&) = delete;

/// The text with "[redacted]" for the secret key and the session token: some servers repeat what they were sent. Those
/// of fewer than six characters stay, which would be found in the midst of words.
std::string without_secrets(std::string text, const Credentials& credentials);

}  // namespace scabbard::s3
