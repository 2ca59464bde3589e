// SHA-256 and HMAC-SHA256 on OpenSSL's digest contexts.
//
// Not SHA256(), HMAC() or EVP_MAC: those look the algorithm up and take the key in on each call, which costs several
// times the hashing of a short text. Functions return false where OpenSSL has no memory.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string_view>

namespace scabbard {

using Digest = std::array<unsigned char, 32>;

inline std::string_view as_text(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// A digest context to work in; belongs to one thread at a time.
class DigestContext {
 public:
  DigestContext();
  /// Null where there was no memory; the functions below take that.
  EVP_MD_CTX* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

bool sha256(const DigestContext& work, std::string_view text, Digest& out);

/// A key that has been taken in. Safe from any thread once init() has succeeded.
class HmacSha256 {
 public:
  bool init(std::string_view key);
  bool mac(const DigestContext& work, std::string_view text, Digest& out) const;

 private:
  DigestContext inner_;
  DigestContext outer_;
};

}  // namespace scabbard
