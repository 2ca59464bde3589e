// The sums of a body, computed while it is filled.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "store/s3/checksum.hpp"
#include "store/s3/xml.hpp"

namespace scabbard::s3 {

/// What a request says of its body, and what the sum of a whole object is made of.
struct PayloadSums {
  std::string payload_hash;  ///< what stands in x-amz-content-sha256
  std::string checksum;      ///< what stands in the header of the checksum, base64; empty where there is none
  std::uint64_t size = 0;
  std::uint32_t crc32c = 0;
  std::uint64_t crc64nvme = 0;  ///< where that is the checksum
};

class PayloadSum {
 public:
  /// `is_signed`: its SHA-256 is.
  PayloadSum(bool is_signed, Checksum checksum);
  void add(std::span<const std::byte> bytes);
  /// Of what was added; begins anew.
  PayloadSums take();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  using Digest = std::unique_ptr<EVP_MD_CTX, Free>;

  const bool is_signed_;
  const Checksum checksum_;
  Digest sha256_;  // empty where nobody wants it, as the next one
  Digest md5_;
  PayloadSums sums_;
};

/// The checksum of an object whose parts have these sums: of all bytes, or of the parts' sums and then with "-N".
std::string checksum_of_parts(Checksum checksum, std::span<const PayloadSums> parts);
/// The same of the CRC-32C.
std::uint32_t crc32c_of_parts(std::span<const PayloadSums> parts);

/// The MD5 of all of them, as an ETag has it.
std::string md5_hex(std::span<const std::byte> bytes);
/// The ETag of an object put together from parts with these ETags; empty where one of them is no MD5.
std::string etag_of_parts(std::span<const FinishedPart> parts);

}  // namespace scabbard::s3
