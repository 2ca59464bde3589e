// A small, correct S3 in memory: what the scripted server answers where no rule says otherwise.
//
// Buckets are addressed by path, or by a Host that ends in ".localhost". Signatures are not looked at. Safe from any
// thread.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/scripted_server/http_message.hpp"

namespace scabbard::scripted {

struct NumberedTag;
class XmlWriter;

class MemoryS3 {
 public:
  struct Settings {
    std::string bucket = "bucket";
    std::string region = "us-east-1";
    /// Keep sizes and ETags only; bytes are read back as zeros. ETags are no MD5 then.
    bool discard = false;
    /// Requests without an Authorization header are refused.
    bool signed_only = false;
    /// Objects have a CRC32C whether or not their writer sent one.
    bool checksums = false;
    /// Parts but the last: S3 refuses smaller ones.
    std::uint64_t least_part_size = 5 << 20;
  };

  /// What has been taken in and is there now.
  struct Holding {
    std::size_t objects = 0;
    std::size_t uploads = 0;  ///< neither completed nor aborted
    std::uint64_t parts = 0;  ///< ever taken
    std::uint64_t bytes = 0;  ///< of bodies of PUTs, ever taken
  };

  explicit MemoryS3(Settings settings) : settings_(std::move(settings)) {}

  const Settings& settings() const { return settings_; }
  /// Carries out a request.
  Response answer(const Request& request);

  void add_object(const std::string& key, std::string bytes);
  /// An object whose bytes repeat: however large, it needs little memory. With a '*' in its key it is there for reads
  /// under all keys that have anything in that place.
  void add_object(const std::string& key, Content content);
  std::optional<std::string> object(const std::string& key) const;
  Holding holding() const;

 private:
  struct Object {
    Content content;
    std::string etag;  // with its quotes
    std::string crc32c;
    std::int64_t modified = 0;  // seconds since the epoch
  };
  // Under keys that begin and end alike.
  struct Family {
    std::string first;
    std::string last;
    Object object;

    bool has(std::string_view key) const {
      return key.size() >= first.size() + last.size() && key.starts_with(first) && key.ends_with(last);
    }
  };
  struct Upload {
    std::string key;
    std::int64_t begun = 0;  // seconds since the epoch
    std::map<int, Object> parts;
  };
  struct Listing;
  template <class T>
  using OrRefusal = std::expected<T, Response>;

  const Object* find(const std::string& key) const;
  Response dispatch(const Request& request, std::string_view kind, const std::string& key);
  Response head_bucket() const;
  Response put_object(const Request& request, const std::string& key);
  Response get_object(const Request& request, const std::string& key) const;
  Response copy_object(const Request& request, const std::string& key);
  Response delete_object(const std::string& key);
  Response delete_objects(const Request& request);
  Response list_objects(const Request& request) const;
  static void write_entry(XmlWriter& xml, std::string_view key, const Object& object);
  Response create_upload(const std::string& key);
  Response put_part(const Request& request);
  Response copy_part(const Request& request);
  Response complete_upload(const Request& request, const std::string& key);
  Response abort_upload(const Request& request);
  Response list_parts(const Request& request) const;
  Response list_uploads() const;

  OrRefusal<Object> taken(const Request& request);
  OrRefusal<const Object*> source_of(const Request& request) const;
  OrRefusal<Upload*> upload_of(const Request& request);
  OrRefusal<Object> joined(const Upload& upload, const std::vector<NumberedTag>& wanted) const;
  Object make_object(Content content);
  std::optional<Response> refused(const Request& request, const std::string& key) const;
  Response keep_part(const Request& request, Object part);

  const Settings settings_;
  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::vector<Family> families_;
  std::map<std::string, Upload> uploads_;
  std::uint64_t numbers_given_ = 0;
  Holding holding_;
};

}  // namespace scabbard::scripted
