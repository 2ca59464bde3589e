#include "store/s3/xml.hpp"

#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <pugixml.hpp>
#include <sstream>
#include <utility>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "store/s3/service_errors.hpp"
#include "store/url.hpp"

namespace scabbard::s3 {
namespace {

// Without DOCTYPE: entities are not expanded, but for the five of XML itself.
constexpr unsigned kParse = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol;

constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::unexpected<Error> malformed(std::string_view what) { return fail(not_s3(fmt::format("is {}", what))); }

// "&#0;", "&#x00;": a NUL, which no XML has. The parser's strings would end there, and be names of something else.
bool has_nul(std::string_view text) {
  if (text.contains('\0')) return true;
  for (std::size_t at = text.find("&#"); at != std::string_view::npos; at = text.find("&#", at + 2)) {
    std::string_view digits = text.substr(at + 2);
    if (digits.starts_with('x')) digits.remove_prefix(1);
    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
    if (zeros > 0 && digits.substr(zeros).starts_with(';')) return true;
  }
  return false;
}

// False where it is not XML as S3 writes it: without a DOCTYPE, whose entities would be left in names as they are.
bool load(pugi::xml_document& document, std::string_view text) {
  if (has_nul(text) || text.contains("<!DOCTYPE")) return false;
  return document.load_buffer(text.data(), text.size(), kParse, pugi::encoding_utf8);
}

// The root element, which has to have that name; null otherwise. Namespaces are the default one.
pugi::xml_node root_of(pugi::xml_document& document, std::string_view text, const char* name) {
  if (!load(document, text)) return {};
  return document.child(name);
}

Result<std::string> decoded(std::string text) {
  std::ranges::replace(text, '+', ' ');
  auto out = percent_decoded(text);
  return out ? Result<std::string>(*std::move(out)) : malformed("not a listing");
}

// Keys come encoded where the server says so.
struct Decoder {
  bool encoded;
  Result<std::string> operator()(pugi::xml_node node) const {
    std::string text = node.text().get();
    return encoded ? decoded(std::move(text)) : text;
  }
};

Result<std::uint64_t> size_of(pugi::xml_node node) {
  auto size = whole_number<std::uint64_t>(node.text().get());
  return size ? Result<std::uint64_t>(*size) : malformed("a listing without a size");
}

// Without the element a listing is whole.
Result<bool> is_truncated(pugi::xml_node root) {
  const std::string_view text = root.child("IsTruncated").text().get();
  if (text == "true") return true;
  if (text == "false" || text.empty()) return false;
  return malformed("a listing that says neither that it ends nor that it goes on");
}

}  // namespace

ServiceError parse_error_body(std::string_view text) {
  pugi::xml_document document;
  pugi::xml_node root = root_of(document, text, "Error");
  return {.code = root.child("Code").text().get(),
          .message = root.child("Message").text().get(),
          .region = root.child("Region").text().get(),
          .request_id = root.child("RequestId").text().get()};
}

Result<std::string> parse_upload_id(std::string_view text) {
  pugi::xml_document document;
  std::string id = root_of(document, text, "InitiateMultipartUploadResult").child("UploadId").text().get();
  if (id.empty()) return malformed("no upload id");
  return id;
}

Result<std::string> parse_etag(std::string_view text) {
  pugi::xml_document document;
  // CompleteMultipartUploadResult, CopyObjectResult or CopyPartResult.
  if (!load(document, text)) return malformed("cut or no XML");
  const pugi::xml_node root = document.document_element();
  const bool is_upload = std::string_view(root.name()) == "CompleteMultipartUploadResult";
  std::string etag = root.child("ETag").text().get();
  if (etag.empty() && !is_upload) return malformed("without an ETag");
  return version_of(etag);
}

Result<ListPage> parse_list_page(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text)) return malformed("cut or no XML");
  pugi::xml_node root = document.document_element();
  const std::string_view name = root.name();
  if (name != "ListBucketResult" && name != "ListMultipartUploadsResult") return malformed("no listing");
  const Decoder key_of{std::string_view(root.child("EncodingType").text().get()) == "url"};
  ListPage page;
  for (pugi::xml_node node : root.children("Contents")) {
    auto key = key_of(node.child("Key"));
    if (!key) return fail(std::move(key).error());
    auto size = size_of(node.child("Size"));
    if (!size) return fail(std::move(size).error());
    page.objects.push_back({.key = *std::move(key),
                            .size = *size,
                            .etag = version_of(node.child("ETag").text().get()),
                            .modified = parse_iso_time(node.child("LastModified").text().get())});
  }
  for (pugi::xml_node node : root.children("Upload")) {
    auto key = key_of(node.child("Key"));
    if (!key) return fail(std::move(key).error());
    page.uploads.push_back({.key = *std::move(key),
                            .id = node.child("UploadId").text().get(),
                            .initiated = parse_iso_time(node.child("Initiated").text().get())});
  }
  for (pugi::xml_node node : root.children("CommonPrefixes")) {
    auto prefix = key_of(node.child("Prefix"));
    if (!prefix) return fail(std::move(prefix).error());
    page.prefixes.push_back(*std::move(prefix));
  }
  auto truncated = is_truncated(root);
  if (!truncated) return fail(std::move(truncated).error());
  if (*truncated) {
    page.next = root.child("NextContinuationToken").text().get();
    if (auto marker = root.child("NextKeyMarker")) {
      auto key = key_of(marker);
      if (!key) return fail(std::move(key).error());
      page.next = *std::move(key);
      page.next_upload = root.child("NextUploadIdMarker").text().get();
    }
    if (page.next.empty()) return malformed("a listing that says there is more, and not where");
  }
  return page;
}

Result<PartsPage> parse_parts_page(std::string_view text) {
  pugi::xml_document document;
  pugi::xml_node root = root_of(document, text, "ListPartsResult");
  if (!root) return malformed("no list of parts");
  PartsPage page;
  for (pugi::xml_node node : root.children("Part")) {
    auto size = size_of(node.child("Size"));
    if (!size) return fail(std::move(size).error());
    page.bytes += *size;
  }
  auto truncated = is_truncated(root);
  if (!truncated) return fail(std::move(truncated).error());
  if (*truncated) {
    page.next = root.child("NextPartNumberMarker").text().get();
    if (page.next.empty()) return malformed("a list that says there is more, and not where");
  }
  return page;
}

bool is_xml_text(std::string_view text) {
  // The last two are code points of Unicode, and no characters of XML: U+FFFE and U+FFFF.
  return is_utf8(text) && std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7F; }) &&
         !text.contains("\xEF\xBF\xBE") && !text.contains("\xEF\xBF\xBF");
}

std::string delete_objects_body(std::span<const std::string> keys) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("Delete");
  root.append_attribute("xmlns") = kNamespace;
  root.append_child("Quiet").text() = true;  // tell only of errors
  for (const std::string& key : keys) root.append_child("Object").append_child("Key").text() = key.c_str();
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return std::move(out).str();
}

Result<std::vector<std::string>> parse_delete_result(std::string_view text) {
  pugi::xml_document document;
  pugi::xml_node root = root_of(document, text, "DeleteResult");
  if (!root) return malformed("no result of a removal");
  std::vector<std::string> keys;
  for (pugi::xml_node node : root.children("Error")) keys.emplace_back(node.child("Key").text().get());
  return keys;
}

std::string complete_upload_body(std::span<const FinishedPart> parts, std::string_view algorithm) {
  std::string body = fmt::format("<CompleteMultipartUpload xmlns=\"{}\">", kNamespace);
  for (const FinishedPart& part : parts) {
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>&quot;{}&quot;</ETag>", part.number, part.etag);
    if (!part.checksum.empty()) body += fmt::format("<Checksum{0}>{1}</Checksum{0}>", algorithm, part.checksum);
    body += "</Part>";
  }
  return body + "</CompleteMultipartUpload>";
}

std::chrono::system_clock::time_point parse_iso_time(std::string_view text) {
  struct tm parts = {};
  const std::string copy(text);
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return {};
  const std::chrono::seconds seconds(::timegm(&parts));
  constexpr auto kLatest = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::duration::max());
  if (seconds < std::chrono::seconds::zero() || seconds >= kLatest) return {};  // the clock's type ends in 2262
  const std::chrono::system_clock::time_point time(seconds);
  if (*rest != '.') return time;
  double fraction = 0;
  std::from_chars(rest, copy.c_str() + copy.size(), fraction, std::chars_format::fixed);
  return time + std::chrono::milliseconds(std::lround(fraction * 1000));
}

std::string version_of(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::string etag_of(std::string_view version) {
  return version.starts_with("W/") ? std::string(version) : fmt::format("\"{}\"", version);
}

}  // namespace scabbard::s3
