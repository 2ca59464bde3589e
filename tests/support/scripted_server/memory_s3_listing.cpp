// Listings of objects.
#include <algorithm>
#include <utility>

#include "support/scripted_server/memory_s3.hpp"
#include "support/scripted_server/s3_request.hpp"
#include "support/scripted_server/s3_response.hpp"

namespace scabbard::scripted {
namespace {

constexpr std::uint64_t kMostKeys = 1000;

}  // namespace

struct MemoryS3::Listing {
  std::string prefix;
  std::string delimiter;
  std::string after;
  bool encoded = false;
  std::uint64_t most;

  explicit Listing(const Request& request)
      : prefix(request.parameter("prefix").value_or("")),
        delimiter(request.parameter("delimiter").value_or("")),
        after(request.parameter("continuation-token").value_or(request.parameter("start-after").value_or(""))),
        encoded(request.parameter("encoding-type") == "url"),
        most(std::min(number(request.parameter("max-keys").value_or("")).value_or(kMostKeys), kMostKeys)) {}

  std::string shown(std::string_view key) const { return encoded ? percent_encoded(key) : std::string(key); }
  // The key, or the common prefix that stands for it.
  std::string name_of(const std::string& key) const {
    const std::size_t end = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
    return end == std::string::npos ? key : key.substr(0, end + delimiter.size());
  }
};

Response MemoryS3::list_objects(const Request& request) const {
  const Listing listing(request);
  XmlWriter xml("ListBucketResult");
  xml.text("Name", settings_.bucket).text("Prefix", listing.shown(listing.prefix));
  if (listing.encoded) xml.text("EncodingType", "url");
  std::uint64_t count = 0;
  std::string last;  // name of the page
  bool more = false;
  for (auto object = objects_.lower_bound(listing.prefix); object != objects_.end(); ++object) {
    if (!object->first.starts_with(listing.prefix)) break;
    const std::string name = listing.name_of(object->first);
    if (name <= listing.after || name == last) continue;
    more = count == listing.most;
    if (more) break;
    ++count;
    last = name;
    if (listing.delimiter.empty() || !name.substr(listing.prefix.size()).ends_with(listing.delimiter)) {
      write_entry(xml, listing.shown(name), object->second);
    } else {
      xml.open("CommonPrefixes").text("Prefix", listing.shown(name)).close();
    }
  }
  xml.text("KeyCount", std::to_string(count)).text("IsTruncated", more ? "true" : "false");
  if (more) xml.text("NextContinuationToken", last);
  return xml_response(std::move(xml));
}

void MemoryS3::write_entry(XmlWriter& xml, std::string_view key, const Object& object) {
  xml.open("Contents").text("Key", key).text("LastModified", xml_date(object.modified)).text("ETag", object.etag);
  xml.text("Size", std::to_string(object.content.size)).text("StorageClass", "STANDARD").close();
}

}  // namespace scabbard::scripted
