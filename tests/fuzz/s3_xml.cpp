// The XML answers of S3 servers, each given to every parser: what fails says so in one line, and a listing that was
// read, written again, is read the same.
#include <algorithm>
#include <chrono>
#include <string>

#include "input.hpp"
#include "store/s3/service_errors.hpp"
#include "store/s3/uri_encoding.hpp"
#include "store/s3/xml.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

namespace {

template <class T>
bool is_read(const Result<T>& result) {
  if (!result) SCABBARD_FUZZ_CHECK(fuzz::is_one_line(result.error().message));
  return result.has_value();
}

std::string element(const char* name, std::string_view content) {
  return std::string("<") + name + ">" + std::string(content) + "</" + name + ">";
}

// Every byte as a reference: those of UTF-8 mean nothing else, as in text that a server did not encode.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x80 ? "&#" + std::to_string(byte) + ";" : std::string(1, c);
  }
  return out;
}

// The parser leaves out text that is nothing but spaces, also where it is written as references.
bool is_blank(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
}

std::string written(const s3::ListPage& page) {
  std::string out = element("EncodingType", "url");
  for (const s3::ListedObject& object : page.objects) {
    out += element("Contents", element("Key", s3::encoded_path(object.key)) +
                                   element("Size", std::to_string(object.size)) +
                                   element("ETag", "\"" + escaped(object.etag) + "\""));
  }
  for (const s3::ListedUpload& upload : page.uploads) {
    out += element("Upload",
                   element("Key", s3::encoded_path(upload.key)) + element("UploadId", "<![CDATA[" + upload.id + "]]>"));
  }
  for (const std::string& prefix : page.prefixes) {
    out += element("CommonPrefixes", element("Prefix", s3::encoded_path(prefix)));
  }
  if (!page.next.empty()) {
    out += element("IsTruncated", "true") + element("NextKeyMarker", s3::encoded_path(page.next)) +
           element("NextUploadIdMarker", escaped(page.next_upload));
  }
  return element("ListBucketResult", out);
}

void check_listing(std::string_view text) {
  auto page = s3::parse_list_page(text);
  if (!is_read(page)) return;
  auto again = s3::parse_list_page(written(*page));
  SCABBARD_FUZZ_CHECK(again.has_value());
  SCABBARD_FUZZ_CHECK(again->prefixes == page->prefixes);
  SCABBARD_FUZZ_CHECK(again->next == page->next);
  SCABBARD_FUZZ_CHECK(is_blank(page->next_upload) || again->next_upload == page->next_upload);
  SCABBARD_FUZZ_CHECK(std::ranges::equal(again->objects, page->objects, [](const auto& a, const auto& b) {
    return a.key == b.key && a.size == b.size && a.etag == b.etag;
  }));
  SCABBARD_FUZZ_CHECK(std::ranges::equal(again->uploads, page->uploads,
                                         [](const auto& a, const auto& b) { return a.key == b.key && a.id == b.id; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  s3::parse_error_body(text);
  if (auto id = s3::parse_upload_id(text); is_read(id)) SCABBARD_FUZZ_CHECK(!id->empty());
  if (auto etag = s3::parse_etag(text); is_read(etag)) SCABBARD_FUZZ_CHECK(s3::version_of(s3::etag_of(*etag)) == *etag);
  is_read(s3::parse_parts_page(text));
  is_read(s3::parse_delete_result(text));
  s3::parse_iso_time(text);
  check_listing(text);
  return 0;
}
