#include "store/s3/credentials.hpp"

#include <string_view>

namespace scabbard::s3 {
namespace {

constexpr std::size_t kShortestSecret = 6;
constexpr std::string_view kInItsPlace = "[redacted]";

}  // namespace

std::string without_secrets(std::string text, const Credentials& credentials) {
  for (std::string_view secret :
       {std::string_view(credentials.secret_key), std::string_view(credentials.session_token)}) {
    if (secret.size() < kShortestSecret) continue;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kInItsPlace.size()) {
      text.replace(at, secret.size(), kInItsPlace);
    }
  }
  return text;
}

}  // namespace scabbard::s3
