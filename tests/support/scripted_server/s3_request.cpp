#include "support/scripted_server/s3_request.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace scabbard::scripted {
namespace {

constexpr std::string_view kVirtualHost = ".localhost";

std::string_view kind_of_put(const Request& request) {
  const bool copies = !request.header("x-amz-copy-source").empty();
  if (request.has("partNumber")) return copies ? "upload_part_copy" : "upload_part";
  return copies ? "copy_object" : "put_object";
}

std::string_view kind_of_object_call(const Request& request) {
  if (request.method == "GET") return request.has("uploadId") ? "list_parts" : "get_object";
  if (request.method == "HEAD") return "head_object";
  if (request.method == "PUT") return kind_of_put(request);
  if (request.method == "DELETE") return request.has("uploadId") ? "abort_multipart_upload" : "delete_object";
  if (request.method == "POST" && request.has("uploads")) return "create_multipart_upload";
  if (request.method == "POST" && request.has("uploadId")) return "complete_multipart_upload";
  return "other";
}

std::string_view kind_of_bucket_call(const Request& request) {
  if (request.method == "GET") return request.has("uploads") ? "list_multipart_uploads" : "list_objects";
  if (request.method == "HEAD") return "head_bucket";
  if (request.method == "POST" && request.has("delete")) return "delete_objects";
  return "other";
}

}  // namespace

Address address_of(const Request& request) {
  std::string_view host = request.header("host");
  host = host.substr(0, host.rfind(':'));
  const std::string_view path = std::string_view(request.path).substr(1);
  if (host.ends_with(kVirtualHost)) {
    return {.bucket = std::string(host.substr(0, host.size() - kVirtualHost.size())), .key = std::string(path)};
  }
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {.bucket = std::string(path), .key = {}};
  return {.bucket = std::string(path.substr(0, slash)), .key = std::string(path.substr(slash + 1))};
}

std::string_view kind_of(const Request& request) {
  return address_of(request).key.empty() ? kind_of_bucket_call(request) : kind_of_object_call(request);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Range> parse_range(std::string_view text, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const std::size_t dash = text.find('-');
  if (!text.starts_with(kUnit) || dash == std::string_view::npos) return std::nullopt;
  const auto first = number(text.substr(kUnit.size(), dash - kUnit.size()));
  const auto last = number(text.substr(dash + 1));
  if (!first && !last) return std::nullopt;
  if (!first) return Range{.first = size - std::min(*last, size), .size = std::min(*last, size)};
  if (*first >= size || (last && *last < *first)) return Range{};
  return Range{.first = *first, .size = std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

}  // namespace scabbard::scripted
