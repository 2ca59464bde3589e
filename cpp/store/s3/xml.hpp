// The XML that S3 servers speak.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scabbard/error.hpp"

namespace scabbard::s3 {

struct ServiceError;

/// The Error element; an empty code where there is none. Never fails: it is read where something failed already.
ServiceError parse_error_body(std::string_view text);

/// The id of a new multipart upload.
Result<std::string> parse_upload_id(std::string_view text);

/// The ETag of a finished upload or copy. Empty where that of an upload is, as Ceph 16 leaves it.
Result<std::string> parse_etag(std::string_view text);

struct ListedObject {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;
  std::chrono::system_clock::time_point modified;
};

struct ListedUpload {
  std::string key;
  std::string id;
  std::chrono::system_clock::time_point initiated;
};

/// A page of ListObjectsV2 or ListMultipartUploads, asked for with encoding-type=url.
struct ListPage {
  std::vector<ListedObject> objects;
  std::vector<ListedUpload> uploads;
  std::vector<std::string> prefixes;  ///< with the delimiter at their end
  /// Where the next page begins; empty at the end.
  std::string next;
  std::string next_upload;
};
Result<ListPage> parse_list_page(std::string_view text);

/// A page of ListParts.
struct PartsPage {
  std::uint64_t bytes = 0;  ///< of its parts together
  std::string next;         ///< after which part the next page begins; empty at the end
};
Result<PartsPage> parse_parts_page(std::string_view text);

/// Whether XML can hold a text as it is.
bool is_xml_text(std::string_view text);
/// What DeleteObjects sends.
std::string delete_objects_body(std::span<const std::string> keys);
/// The keys that were not removed.
Result<std::vector<std::string>> parse_delete_result(std::string_view text);

struct FinishedPart {
  unsigned number = 0;
  std::string etag;
  std::string checksum;  ///< base64; empty where there is none
};
/// What CompleteMultipartUpload sends. `algorithm`: of the checksums, as S3 calls it.
std::string complete_upload_body(std::span<const FinishedPart> parts, std::string_view algorithm);

/// "2026-11-25T08:00:00.000Z"; the epoch where it is something else, or before it, or after 2261.
std::chrono::system_clock::time_point parse_iso_time(std::string_view text);

/// Of an ETag, what is between its quotes.
std::string version_of(std::string_view etag);
/// An ETag of a version, as it stands in If-Match.
std::string etag_of(std::string_view version);

}  // namespace scabbard::s3
