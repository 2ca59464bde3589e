// The XML that S3 and its clients send each other.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scabbard::scripted {

/// Writes elements one after the other.
class XmlWriter {
 public:
  explicit XmlWriter(std::string_view root);

  XmlWriter& open(std::string_view element);
  XmlWriter& text(std::string_view element, std::string_view text);
  XmlWriter& close();
  /// The whole document; all elements are closed.
  std::string finish();

 private:
  std::string xml_;
  std::vector<std::string> open_;
};

/// A part as CompleteMultipartUpload names it.
struct NumberedTag {
  int number = 0;
  std::string etag;
};

/// Empty where the text is no list of parts.
std::vector<NumberedTag> parse_parts(std::string_view xml);
/// The keys of a DeleteObjects; empty where the text is none.
std::vector<std::string> parse_deleted_keys(std::string_view xml);

}  // namespace scabbard::scripted
