// The checksums of S3, option Checksum: what each is called in its requests and answers.
#pragma once

#include <string>
#include <string_view>

namespace scabbard::s3 {

enum class Checksum { kNone, kMd5, kCrc32c, kSha256, kCrc64nvme };

/// By its name in the options.
Checksum checksum_of(std::string_view name);

/// The header that a body's sum stands in, and of all but MD5 also the server's sum of the object. Empty for kNone.
std::string_view header_of(Checksum checksum);

/// How multipart uploads call it. Empty for kNone and for kMd5, of which they know nothing.
std::string_view algorithm_of(Checksum checksum);

/// The sum of an object in parts is that of all its bytes. Otherwise it is one of the parts' sums.
bool is_of_whole_object(Checksum checksum);

}  // namespace scabbard::s3
