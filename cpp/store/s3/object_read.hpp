// A range of an object, or what is known about it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "store/s3/bucket_exchange.hpp"

namespace scabbard::s3 {

/// Reads a range straight into its place, or with an empty one only asks (HEAD).
class ObjectRead : public BucketExchange {
 public:
  struct Range {
    std::int64_t offset = 0;  ///< negative: from the end
    std::span<std::byte> into;
    std::string if_version;                     ///< empty: any
    std::optional<std::uint64_t> if_size = {};  ///< of the object, with if_version; nothing: any
  };

  ObjectRead(Bucket& bucket, std::string_view key, Range range);

  /// Once it is done: what was read, and of what.
  std::size_t got() const { return got_; }
  /// When it was modified only where nothing was read: that costs more to find out than all the rest.
  const ObjectInfo& info() const { return info_; }
  /// That the server has of the object, after a HEAD of a store with checksums; base64, empty where it has none.
  const std::string& checksum() const { return checksum_; }

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
  Result<std::span<std::byte>> accept(const net::Attempt& attempt, const net::Answer& head) override;
  net::Verdict succeeded(const net::Attempt& attempt, const net::Answer& answer) override;
  net::Verdict refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement) override;

  bool take_info(const net::Answer& answer);

  net::Verdict looked();
  std::uint64_t from_end() const { return 0 - static_cast<std::uint64_t>(range_.offset); }

  Range range_;
  /// Where it begins; nothing while only its distance from the end is known.
  std::optional<std::uint64_t> begin_;
  enum class Method {
    kRange,  ///< GET with Range
    kHead,   ///< HEAD
    kReason  ///< GET of one byte, for the text of an error that HEAD does not tell
  } method_;
  unsigned looks_ = 0;  // HEADs that were followed by a GET
  std::size_t got_ = 0;
  ObjectInfo info_;
  std::string checksum_;
};

struct Look : ObjectInfo {
  std::string checksum;  ///< as in ObjectRead
};
/// What is known about the object of a key (HEAD).
Result<Look> look_at(Bucket& bucket, const Context& ctx, std::string_view key);

}  // namespace scabbard::s3
