// Sums as S3 writes them.
#pragma once

#include <string>
#include <string_view>

namespace scabbard::scripted {

std::string md5(std::string_view bytes);     ///< 16 raw bytes
std::string sha256(std::string_view bytes);  ///< 32 raw bytes
std::string crc32c_base64(std::string_view bytes);

std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);

}  // namespace scabbard::scripted
