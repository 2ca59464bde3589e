#include "support/scripted_server/digests.hpp"

#include <openssl/evp.h>

#include <array>
#include <span>

#include "base/crc32c.hpp"

namespace scabbard::scripted {
namespace {

std::string digest(std::string_view bytes, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  ::EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, kind, nullptr);
  return {sum.begin(), sum.begin() + size};
}

}  // namespace

std::string md5(std::string_view bytes) { return digest(bytes, ::EVP_md5()); }
std::string sha256(std::string_view bytes) { return digest(bytes, ::EVP_sha256()); }

std::string crc32c_base64(std::string_view bytes) {
  const std::uint32_t sum = crc32c(std::as_bytes(std::span(bytes)));
  std::string big_endian;
  for (int shift = 24; shift >= 0; shift -= 8) big_endian += static_cast<char>(sum >> shift & 0xff);
  return base64(big_endian);
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace scabbard::scripted
