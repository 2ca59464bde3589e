#include "store/s3/payload_sum.hpp"

#include <fmt/core.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crc32c.hpp"
#include "base/crc64nvme.hpp"
#include "base/numbers.hpp"
#include "store/s3/hexadecimal.hpp"
#include "store/s3/signer.hpp"

namespace scabbard::s3 {

namespace {

constexpr std::size_t kMd5 = 16;
constexpr std::size_t kSha256 = 32;

std::string base64(std::span<const unsigned char> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  return text;
}

// What base64() was made of, of so many bytes.
std::vector<unsigned char> from_base64(const std::string& text, std::size_t size) {
  std::vector<unsigned char> bytes(text.size());
  EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  bytes.resize(size);  // of padding it makes zeros
  return bytes;
}

// As S3 has it: the highest byte first.
template <class Sum>
std::string base64_of_crc(Sum sum) {
  std::array<unsigned char, sizeof sum> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(sum >> (8 * (sizeof sum - 1 - i)));
  return base64(bytes);
}

template <std::size_t size>
std::array<unsigned char, size> taken(EVP_MD_CTX* context) {
  std::array<unsigned char, size> digest{};
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  EVP_DigestInit_ex(context, nullptr, nullptr);
  return digest;
}

EVP_MD_CTX* begun(const EVP_MD* type) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, type, nullptr);
  return context;
}

}  // namespace

PayloadSum::PayloadSum(bool is_signed, Checksum checksum) : is_signed_(is_signed), checksum_(checksum) {
  if (is_signed || checksum == Checksum::kSha256) sha256_.reset(begun(EVP_sha256()));
  if (checksum == Checksum::kMd5) md5_.reset(begun(EVP_md5()));
}

void PayloadSum::add(std::span<const std::byte> bytes) {
  sums_.size += bytes.size();
  sums_.crc32c = crc32c(bytes, sums_.crc32c);
  if (checksum_ == Checksum::kCrc64nvme) sums_.crc64nvme = crc64nvme(bytes, sums_.crc64nvme);
  if (sha256_) EVP_DigestUpdate(sha256_.get(), bytes.data(), bytes.size());
  if (md5_) EVP_DigestUpdate(md5_.get(), bytes.data(), bytes.size());
}

PayloadSums PayloadSum::take() {
  PayloadSums sums = std::exchange(sums_, {});
  sums.payload_hash = kUnsignedPayload;
  if (sha256_) {
    const auto digest = taken<kSha256>(sha256_.get());
    if (is_signed_) sums.payload_hash = hexadecimal(digest);
    if (checksum_ == Checksum::kSha256) sums.checksum = base64(digest);
  }
  if (md5_) sums.checksum = base64(taken<kMd5>(md5_.get()));
  if (checksum_ == Checksum::kCrc32c) sums.checksum = base64_of_crc(sums.crc32c);
  if (checksum_ == Checksum::kCrc64nvme) sums.checksum = base64_of_crc(sums.crc64nvme);
  return sums;
}

std::uint32_t crc32c_of_parts(std::span<const PayloadSums> parts) {
  std::uint32_t whole = 0;
  for (const PayloadSums& part : parts) whole = crc32c_combined(whole, part.crc32c, part.size);
  return whole;
}

std::string checksum_of_parts(Checksum checksum, std::span<const PayloadSums> parts) {
  if (checksum == Checksum::kCrc32c) return base64_of_crc(crc32c_of_parts(parts));
  if (checksum == Checksum::kCrc64nvme) {
    std::uint64_t whole = 0;
    for (const PayloadSums& part : parts) whole = crc64nvme_combined(whole, part.crc64nvme, part.size);
    return base64_of_crc(whole);
  }
  if (checksum != Checksum::kSha256) return {};
  std::vector<unsigned char> digests;
  for (const PayloadSums& part : parts) {
    const auto one = from_base64(part.checksum, kSha256);
    digests.insert(digests.end(), one.begin(), one.end());
  }
  std::array<unsigned char, kSha256> digest{};
  EVP_Digest(digests.data(), digests.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return fmt::format("{}-{}", base64(digest), parts.size());
}

std::string md5_hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, kMd5> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_md5(), nullptr);
  return hexadecimal(digest);
}

std::string etag_of_parts(std::span<const FinishedPart> parts) {
  std::vector<std::byte> sums;
  for (const FinishedPart& part : parts) {
    if (part.etag.size() != 2 * kMd5) return {};
    for (std::size_t i = 0; i < part.etag.size(); i += 2) {
      auto byte = whole_number<unsigned char>(std::string_view(part.etag).substr(i, 2), 16);
      if (!byte) return {};
      sums.push_back(std::byte{*byte});
    }
  }
  return fmt::format("{}-{}", md5_hex(sums), parts.size());
}

}  // namespace scabbard::s3
