#include "base/sha256.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace scabbard {
namespace {

constexpr std::size_t kBlock = 64;

// Fetched once and kept: threads may hash until the process ends.
const EVP_MD* algorithm() {
  static const EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

bool begin(EVP_MD_CTX* context) {
  return context != nullptr && algorithm() != nullptr && EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1;
}

bool finish(EVP_MD_CTX* context, std::string_view text, Digest& out) {
  return EVP_DigestUpdate(context, text.data(), text.size()) == 1 &&
         EVP_DigestFinal_ex(context, out.data(), nullptr) == 1;
}

}  // namespace

DigestContext::DigestContext() : context_(EVP_MD_CTX_new()) {}

bool sha256(const DigestContext& work, std::string_view text, Digest& out) {
  return begin(work.get()) && finish(work.get(), text, out);
}

// RFC 2104.
bool HmacSha256::init(std::string_view key) {
  Digest hashed;
  if (key.size() > kBlock) {
    if (!sha256(inner_, key, hashed)) return false;
    key = as_text(hashed);
  }
  std::array<unsigned char, kBlock> pad{};
  std::ranges::copy(key, pad.begin());
  auto absorb = [&](EVP_MD_CTX* context, unsigned char with) {
    for (auto& byte : pad) byte ^= with;
    return begin(context) && EVP_DigestUpdate(context, pad.data(), pad.size()) == 1;
  };
  bool done = absorb(inner_.get(), 0x36) && absorb(outer_.get(), 0x36 ^ 0x5C);
  OPENSSL_cleanse(pad.data(), pad.size());
  return done;
}

bool HmacSha256::mac(const DigestContext& work, std::string_view text, Digest& out) const {
  EVP_MD_CTX* context = work.get();
  return context != nullptr && EVP_MD_CTX_copy_ex(context, inner_.get()) == 1 && finish(context, text, out) &&
         EVP_MD_CTX_copy_ex(context, outer_.get()) == 1 && finish(context, as_text(out), out);
}

}  // namespace scabbard
