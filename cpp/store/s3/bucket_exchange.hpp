// A question to a bucket: signed anew for each attempt, its errors understood.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/exchange.hpp"
#include "store/s3/bucket.hpp"

namespace scabbard::s3 {

class BucketExchange : public net::Exchange {
 public:
  /// An empty key is the bucket itself.
  BucketExchange(Bucket& bucket, std::string_view key) : bucket_(bucket), path_(bucket.path_of(key)) {}

  Result<void> prepare(const net::Attempt& attempt, net::Request& request) final;
  net::Verdict judge(const net::Attempt& attempt, const net::Answer& answer) final;

 protected:
  struct Question {
    std::string query;  ///< encoded
    std::string_view payload_hash = kEmptyPayload;
  };

  /// Fills in method, headers and body.
  virtual Question ask(const net::Attempt& attempt, net::Request& request) = 0;
  /// What an answer with a status of 2xx means; by default that it is done.
  virtual net::Verdict succeeded(const net::Attempt& attempt, const net::Answer& answer);
  /// What an error means, where that is known; by default what the table says.
  virtual net::Verdict refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement);

  Bucket& bucket() const { return bucket_; }
  /// Option StorageClass, for what makes an object.
  void add_storage_class(net::Request& request) const;
  /// The error that some servers send in an answer that they had begun with status 200.
  std::optional<Judgement> error_in_success(const net::Answer& answer) const;
  /// What to do by the table.
  net::Verdict verdict_of(const net::Answer& answer, Judgement judgement);
  /// An answer that says nothing S3 would say: asked again a few times, in case that was a mishap.
  net::Verdict misunderstood(Error error);

 private:
  Bucket& bucket_;
  const std::string path_;
  net::Verdict learn(Remedy remedy, const net::Answer& answer, Error error);
  net::Verdict region_told(const net::Answer& answer);

  std::array<unsigned, kRemedies> tried_ = {};  // how often with what a remedy taught
  unsigned misunderstood_ = 0;
  /// Asks for the bucket's region, as the answer that this is the error of did not tell it.
  std::optional<Error> unknown_region_;
};

/// Whether the bucket is there and may be asked.
class HeadBucket final : public BucketExchange {
 public:
  explicit HeadBucket(Bucket& bucket) : BucketExchange(bucket, {}) {}

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
};

}  // namespace scabbard::s3
