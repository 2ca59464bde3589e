// Multipart uploads.
#include <algorithm>
#include <ctime>
#include <utility>

#include "support/scripted_server/digests.hpp"
#include "support/scripted_server/memory_s3.hpp"
#include "support/scripted_server/s3_request.hpp"
#include "support/scripted_server/s3_response.hpp"

namespace scabbard::scripted {
namespace {

constexpr std::uint64_t kMostParts = 10'000;
constexpr std::uint64_t kPartsOfAPage = 1000;

Response no_such_upload() { return error_response(404, "NoSuchUpload", "The upload does not exist."); }

}  // namespace

Response MemoryS3::create_upload(const std::string& key) {
  const std::string id = "upload-" + std::to_string(++numbers_given_);
  uploads_[id] = {.key = key, .begun = std::time(nullptr), .parts = {}};
  XmlWriter xml("InitiateMultipartUploadResult");
  xml.text("Bucket", settings_.bucket).text("Key", key).text("UploadId", id);
  return xml_response(std::move(xml));
}

MemoryS3::OrRefusal<MemoryS3::Upload*> MemoryS3::upload_of(const Request& request) {
  const auto found = uploads_.find(std::string(request.parameter("uploadId").value_or("")));
  if (found == uploads_.end()) return std::unexpected(no_such_upload());
  return &found->second;
}

Response MemoryS3::keep_part(const Request& request, Object part) {
  const auto upload = upload_of(request);
  if (!upload) return upload.error();
  const auto part_number = number(*request.parameter("partNumber")).value_or(0);
  if (part_number < 1 || part_number > kMostParts) {
    return error_response(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  }
  ++holding_.parts;
  Response response;
  response.headers.emplace_back("ETag", part.etag);
  if (!part.crc32c.empty()) response.headers.emplace_back("x-amz-checksum-crc32c", part.crc32c);
  (*upload)->parts[static_cast<int>(part_number)] = std::move(part);
  return response;
}

Response MemoryS3::put_part(const Request& request) {
  auto part = taken(request);
  return part ? keep_part(request, std::move(*part)) : part.error();
}

Response MemoryS3::copy_part(const Request& request) {
  const auto source = source_of(request);
  if (!source) return source.error();
  const Content& all = (*source)->content;
  const auto range = parse_range(request.header("x-amz-copy-source-range"), all.size);
  if (range && range->size == 0) return error_response(416, "InvalidRange", "The range is not satisfiable");
  const Range wanted = range.value_or(Range{.first = 0, .size = all.size});
  Content content =
      settings_.discard ? Content::zeros(wanted.size) : Content::of(all.text().substr(wanted.first, wanted.size));
  Object part = make_object(std::move(content));
  XmlWriter xml("CopyPartResult");
  xml.text("ETag", part.etag).text("LastModified", xml_date(part.modified));
  const Response kept = keep_part(request, std::move(part));
  return kept.status == 200 ? xml_response(std::move(xml)) : kept;
}

MemoryS3::OrRefusal<MemoryS3::Object> MemoryS3::joined(const Upload& upload,
                                                       const std::vector<NumberedTag>& wanted) const {
  const auto unordered = [](const NumberedTag& one, const NumberedTag& next) { return one.number >= next.number; };
  if (std::ranges::adjacent_find(wanted, unordered) != wanted.end()) {
    return std::unexpected(error_response(400, "InvalidPartOrder", "The list of parts was not in ascending order."));
  }
  std::string bytes;
  std::string sums;
  std::uint64_t size = 0;
  for (const NumberedTag& tag : wanted) {
    const auto part = upload.parts.find(tag.number);
    if (part == upload.parts.end() || part->second.etag != tag.etag) {
      return std::unexpected(error_response(400, "InvalidPart", "One or more of the parts could not be found."));
    }
    const Content& content = part->second.content;
    if (&tag != &wanted.back() && content.size < settings_.least_part_size) {
      return std::unexpected(error_response(400, "EntityTooSmall", "The upload is smaller than the minimum"));
    }
    size += content.size;
    if (settings_.discard) continue;
    bytes += content.text();
    sums += md5(content.text());
  }
  Object object{.content = settings_.discard ? Content::zeros(size) : Content::of(std::move(bytes)),
                .etag = "\"" + hex(md5(sums)) + "-" + std::to_string(wanted.size()) + "\"",
                .crc32c = {},
                .modified = std::time(nullptr)};
  if (settings_.checksums && !settings_.discard) object.crc32c = crc32c_base64(*object.content.bytes);
  return object;
}

Response MemoryS3::complete_upload(const Request& request, const std::string& key) {
  const auto upload = upload_of(request);
  if (!upload) return upload.error();
  if (auto refusal = refused(request, key)) return *refusal;
  const auto wanted = parse_parts(request.body);
  if (wanted.empty()) return error_response(400, "MalformedXML", "The XML is not well-formed");
  auto object = joined(**upload, wanted);
  if (!object) return object.error();
  XmlWriter xml("CompleteMultipartUploadResult");
  xml.text("Bucket", settings_.bucket).text("Key", key).text("ETag", object->etag);
  objects_[key] = std::move(*object);
  uploads_.erase(std::string(*request.parameter("uploadId")));
  return xml_response(std::move(xml));
}

Response MemoryS3::abort_upload(const Request& request) {
  if (uploads_.erase(std::string(*request.parameter("uploadId"))) == 0) return no_such_upload();
  return {.status = 204, .headers = {}, .content = {}};
}

Response MemoryS3::list_parts(const Request& request) const {
  const auto upload = uploads_.find(std::string(*request.parameter("uploadId")));
  if (upload == uploads_.end()) return no_such_upload();
  const auto marker = number(request.parameter("part-number-marker").value_or("0")).value_or(0);
  const auto most = number(request.parameter("max-parts").value_or("1000")).value_or(kPartsOfAPage);
  XmlWriter xml("ListPartsResult");
  xml.text("Key", upload->second.key).text("UploadId", upload->first);
  auto part = upload->second.parts.upper_bound(static_cast<int>(marker));
  for (std::uint64_t count = 0; part != upload->second.parts.end() && count < most; ++part, ++count) {
    xml.open("Part").text("PartNumber", std::to_string(part->first)).text("ETag", part->second.etag);
    xml.text("Size", std::to_string(part->second.content.size))
        .text("LastModified", xml_date(part->second.modified))
        .close();
  }
  const bool more = part != upload->second.parts.end();
  xml.text("IsTruncated", more ? "true" : "false");
  if (more) xml.text("NextPartNumberMarker", std::to_string(std::prev(part)->first));
  return xml_response(std::move(xml));
}

Response MemoryS3::list_uploads() const {
  XmlWriter xml("ListMultipartUploadsResult");
  xml.text("Bucket", settings_.bucket).text("IsTruncated", "false");
  for (const auto& [id, upload] : uploads_) {
    xml.open("Upload").text("Key", upload.key).text("UploadId", id).text("Initiated", xml_date(upload.begun)).close();
  }
  return xml_response(std::move(xml));
}

}  // namespace scabbard::scripted
