#include "support/scripted_server/s3_xml.hpp"

#include <pugixml.hpp>

namespace scabbard::scripted {
namespace {

std::string escaped(std::string_view text) {
  std::string all;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        all += "&amp;";
        break;
      case '<':
        all += "&lt;";
        break;
      case '>':
        all += "&gt;";
        break;
      case '"':
        all += "&quot;";
        break;
      case '\r':
        all += "&#13;";
        break;
      default:
        all += letter;
    }
  }
  return all;
}

}  // namespace

XmlWriter::XmlWriter(std::string_view root) : xml_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<") {
  xml_ += root;
  xml_ += " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  open_.emplace_back(root);
}

XmlWriter& XmlWriter::open(std::string_view element) {
  open_.emplace_back(element);
  xml_ += "<" + open_.back() + ">";
  return *this;
}

XmlWriter& XmlWriter::text(std::string_view element, std::string_view text) {
  open(element);
  xml_ += escaped(text);
  return close();
}

XmlWriter& XmlWriter::close() {
  xml_ += "</" + open_.back() + ">";
  open_.pop_back();
  return *this;
}

std::string XmlWriter::finish() {
  while (!open_.empty()) close();
  return std::move(xml_);
}

std::vector<NumberedTag> parse_parts(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  std::vector<NumberedTag> parts;
  for (const auto part : document.child("CompleteMultipartUpload").children("Part")) {
    parts.push_back(
        {.number = part.child("PartNumber").text().as_int(), .etag = part.child("ETag").text().as_string()});
  }
  return parts;
}

std::vector<std::string> parse_deleted_keys(std::string_view xml) {
  pugi::xml_document document;
  // Keys may begin and end with white space.
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single)) return {};
  std::vector<std::string> keys;
  for (const auto object : document.child("Delete").children("Object")) {
    keys.emplace_back(object.child("Key").text().as_string());
  }
  return keys;
}

}  // namespace scabbard::scripted
