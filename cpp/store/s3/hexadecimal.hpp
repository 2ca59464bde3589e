#pragma once

#include <span>
#include <string>

namespace scabbard::s3 {

/// Appends them in lower case.
inline void append_hexadecimal(std::string& out, std::span<const unsigned char> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned char byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

inline std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  append_hexadecimal(out, bytes);
  return out;
}

}  // namespace scabbard::s3
