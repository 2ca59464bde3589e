#include "support/scripted_server/memory_s3.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "support/scripted_server/digests.hpp"
#include "support/scripted_server/s3_request.hpp"
#include "support/scripted_server/s3_response.hpp"

namespace scabbard::scripted {
namespace {

constexpr std::size_t kMostKeys = 1000;

// Makes the answer, which is all of an object, one of a range of it.
void narrow(Response& response, const Range& range) {
  const std::string all = std::to_string(response.size);
  if (range.size == 0) {
    response = error_response(416, "InvalidRange", "The requested range is not satisfiable");
    response.set_header("Content-Range", "bytes */" + all);
    return;
  }
  response.status = 206;
  response.offset = range.first;
  response.size = range.size;
  response.set_header("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                           std::to_string(range.first + range.size - 1) + "/" + all);
}

Response no_such_key() { return error_response(404, "NoSuchKey", "The specified key does not exist."); }

std::optional<Response> bad_digest(const Request& request) {
  const std::string_view sum = request.header("x-amz-content-sha256");
  if (sum.size() == 64 && sum != hex(sha256(request.body))) {
    return error_response(400, "XAmzContentSHA256Mismatch", "The provided header does not match what was computed.");
  }
  const std::string_view md5_sum = request.header("content-md5");
  const std::string_view crc = request.header("x-amz-checksum-crc32c");
  const bool wrong = (!md5_sum.empty() && md5_sum != base64(md5(request.body))) ||
                     (!crc.empty() && crc != crc32c_base64(request.body));
  if (!wrong) return std::nullopt;
  return error_response(400, "BadDigest", "The digest you specified did not match the calculated checksum.");
}

}  // namespace

Response MemoryS3::answer(const Request& request) {
  const std::scoped_lock lock(mutex_);
  const Address address = address_of(request);
  Response response;
  if (settings_.signed_only && request.header("authorization").empty()) {
    response = error_response(403, "AccessDenied", "Access Denied");
  } else if (address.bucket != settings_.bucket) {
    response = error_response(404, "NoSuchBucket", "The specified bucket does not exist");
  } else {
    response = dispatch(request, kind_of(request), address.key);
  }
  response.headers.emplace_back("x-amz-request-id", "SCRIPTED");
  response.without_body |= request.method == "HEAD";
  return response;
}

Response MemoryS3::dispatch(const Request& request, std::string_view kind, const std::string& key) {
  if (kind == "get_object" || kind == "head_object") return get_object(request, key);
  if (kind == "put_object") return put_object(request, key);
  if (kind == "upload_part") return put_part(request);
  if (kind == "upload_part_copy") return copy_part(request);
  if (kind == "copy_object") return copy_object(request, key);
  if (kind == "delete_object") return delete_object(key);
  if (kind == "delete_objects") return delete_objects(request);
  if (kind == "create_multipart_upload") return create_upload(key);
  if (kind == "complete_multipart_upload") return complete_upload(request, key);
  if (kind == "abort_multipart_upload") return abort_upload(request);
  if (kind == "list_parts") return list_parts(request);
  if (kind == "list_multipart_uploads") return list_uploads();
  if (kind == "list_objects") return list_objects(request);
  if (kind == "head_bucket") return head_bucket();
  return error_response(501, "NotImplemented", "A header or method is not implemented");
}

Response MemoryS3::head_bucket() const {
  Response response;
  response.headers.emplace_back("x-amz-bucket-region", settings_.region);
  return response;
}

MemoryS3::Object MemoryS3::make_object(Content content) {
  Object object{.content = std::move(content), .etag = {}, .crc32c = {}, .modified = std::time(nullptr)};
  if (settings_.discard) {
    object.etag = "\"discarded-" + std::to_string(++numbers_given_) + "\"";
    return object;
  }
  object.etag = "\"" + hex(md5(*object.content.bytes)) + "\"";
  if (settings_.checksums) object.crc32c = crc32c_base64(object.content.text());
  return object;
}

// The body of a PUT as an object or part.
MemoryS3::OrRefusal<MemoryS3::Object> MemoryS3::taken(const Request& request) {
  holding_.bytes += request.body_size;
  if (settings_.discard) return make_object(Content::zeros(request.body_size));
  if (auto refusal = bad_digest(request)) return std::unexpected(*refusal);
  Object object = make_object(Content::of(request.body));
  const std::string_view sum = request.header("x-amz-checksum-crc32c");
  if (!sum.empty()) object.crc32c = sum;
  return object;
}

// What the conditions on a PUT say.
std::optional<Response> MemoryS3::refused(const Request& request, const std::string& key) const {
  if (request.header("if-none-match") == "*" && objects_.contains(key)) return failed_condition();
  return std::nullopt;
}

Response MemoryS3::put_object(const Request& request, const std::string& key) {
  if (auto refusal = refused(request, key)) return *refusal;
  auto object = taken(request);
  if (!object) return object.error();
  Response response;
  response.headers.emplace_back("ETag", object->etag);
  if (!object->crc32c.empty()) response.headers.emplace_back("x-amz-checksum-crc32c", object->crc32c);
  objects_[key] = std::move(*object);
  return response;
}

const MemoryS3::Object* MemoryS3::find(const std::string& key) const {
  const auto found = objects_.find(key);
  if (found != objects_.end()) return &found->second;
  const auto family = std::ranges::find_if(families_, [&](const Family& of) { return of.has(key); });
  return family == families_.end() ? nullptr : &family->object;
}

Response MemoryS3::get_object(const Request& request, const std::string& key) const {
  const Object* const found = find(key);
  if (found == nullptr) return no_such_key();
  const Object& object = *found;
  const std::string_view if_match = request.header("if-match");
  if (!if_match.empty() && if_match != "*" && if_match != object.etag) return failed_condition();

  Response response;
  response.headers = {{"ETag", object.etag},
                      {"Last-Modified", http_date(object.modified)},
                      {"Accept-Ranges", "bytes"},
                      {"Content-Type", "binary/octet-stream"}};
  response.content = object.content;
  response.size = object.content.size;
  if (const auto range = parse_range(request.header("range"), object.content.size)) narrow(response, *range);
  // S3 tells the sum of the whole object only where the whole object was asked for.
  const bool whole = response.size == object.content.size && response.status < 300;
  if (whole && !object.crc32c.empty() && request.header("x-amz-checksum-mode") == "ENABLED") {
    response.headers.emplace_back("x-amz-checksum-crc32c", object.crc32c);
    response.headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  }
  return response;
}

// What x-amz-copy-source names.
MemoryS3::OrRefusal<const MemoryS3::Object*> MemoryS3::source_of(const Request& request) const {
  std::string source = percent_decoded(request.header("x-amz-copy-source"));
  if (source.starts_with('/')) source.erase(0, 1);
  const std::string prefix = settings_.bucket + "/";
  if (!source.starts_with(prefix)) return std::unexpected(error_response(404, "NoSuchBucket", "No such bucket"));
  const auto found = objects_.find(source.substr(prefix.size()));
  if (found == objects_.end()) return std::unexpected(no_such_key());
  const std::string_view if_match = request.header("x-amz-copy-source-if-match");
  if (!if_match.empty() && if_match != found->second.etag) return std::unexpected(failed_condition());
  return &found->second;
}

Response MemoryS3::copy_object(const Request& request, const std::string& key) {
  if (auto refusal = refused(request, key)) return *refusal;
  const auto source = source_of(request);
  if (!source) return source.error();
  Object copy = **source;
  copy.modified = std::time(nullptr);
  XmlWriter xml("CopyObjectResult");
  xml.text("ETag", copy.etag).text("LastModified", xml_date(copy.modified));
  objects_[key] = std::move(copy);
  return xml_response(std::move(xml));
}

Response MemoryS3::delete_object(const std::string& key) {
  objects_.erase(key);
  return {.status = 204, .headers = {}, .content = {}};
}

Response MemoryS3::delete_objects(const Request& request) {
  const auto keys = parse_deleted_keys(request.body);
  if (keys.empty() || keys.size() > kMostKeys) return error_response(400, "MalformedXML", "The XML is not well-formed");
  XmlWriter xml("DeleteResult");
  for (const std::string& key : keys) {
    objects_.erase(key);
    xml.open("Deleted").text("Key", key).close();
  }
  return xml_response(std::move(xml));
}

void MemoryS3::add_object(const std::string& key, std::string bytes) { add_object(key, Content::of(std::move(bytes))); }

void MemoryS3::add_object(const std::string& key, Content content) {
  const std::scoped_lock lock(mutex_);
  const std::size_t star = key.find('*');
  if (star == std::string::npos) {
    objects_[key] = make_object(std::move(content));
  } else {
    families_.push_back({key.substr(0, star), key.substr(star + 1), make_object(std::move(content))});
  }
}

std::optional<std::string> MemoryS3::object(const std::string& key) const {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return std::nullopt;
  return found->second.content.text();
}

MemoryS3::Holding MemoryS3::holding() const {
  const std::scoped_lock lock(mutex_);
  Holding now = holding_;
  now.objects = objects_.size();
  now.uploads = uploads_.size();
  return now;
}

}  // namespace scabbard::scripted
