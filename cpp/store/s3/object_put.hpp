// The requests that write: a whole object, a multipart upload step by step.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/s3/bucket_exchange.hpp"
#include "store/s3/file_part.hpp"
#include "store/s3/payload_sum.hpp"
#include "store/s3/xml.hpp"

namespace scabbard::s3 {

/// Servers put large objects together, or copy them, before they answer.
inline constexpr auto kLongPatience = std::chrono::minutes(10);

/// The query of a request about one part of a multipart upload.
std::string part_query(std::string_view upload_id, unsigned number);

/// PutObject or UploadPart.
class ObjectPut final : public BucketExchange {
 public:
  struct Part {
    std::string upload_id;
    unsigned number = 0;
  };
  /// A whole object; `exclusive`: only where there is none. Refused for that, it is kAlreadyExists.
  ObjectPut(Bucket& bucket, std::string_view key, std::span<const std::byte> body, const PayloadSums& sums,
            bool exclusive);
  ObjectPut(Bucket& bucket, std::string_view key, std::span<const std::byte> body, const PayloadSums& sums, Part part);
  /// A part that nothing is known of beforehand.
  ObjectPut(Bucket& bucket, std::string_view key, FilePart& body, Part part);

  const std::string& version() const { return version_; }
  unsigned number() const { return part_.number; }
  /// It was refused because of an object that an earlier attempt may have made.
  bool may_be_ours() const { return may_be_ours_; }

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
  net::Verdict succeeded(const net::Attempt& attempt, const net::Answer& answer) override;
  net::Verdict refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement) override;

  const std::span<const std::byte> body_;
  FilePart* const file_ = nullptr;
  const std::string payload_hash_;
  const std::string checksum_;
  const Part part_;
  const bool exclusive_ = false;
  std::string version_;
  bool is_put_ = false;  // by an answer without an ETag
  bool may_be_ours_ = false;
};

class CreateUpload final : public BucketExchange {
 public:
  /// `checksum`: that its parts will have.
  CreateUpload(Bucket& bucket, std::string_view key, Checksum checksum)
      : BucketExchange(bucket, key), checksum_(checksum) {}
  const std::string& upload_id() const { return upload_id_; }

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
  net::Verdict succeeded(const net::Attempt& attempt, const net::Answer& answer) override;

  const Checksum checksum_;
  std::string upload_id_;
};

class CompleteUpload final : public BucketExchange {
 public:
  /// `parts` outlive it. `checksum`: of the whole object, where parts have one.
  CompleteUpload(Bucket& bucket, std::string_view key, std::string upload_id, std::span<const FinishedPart> parts,
                 std::string checksum, bool exclusive);
  const std::string& version() const { return version_; }
  /// The answer of an earlier attempt was lost, and now the upload is gone: it may have been completed.
  bool may_be_ours() const { return may_be_ours_; }

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
  net::Verdict succeeded(const net::Attempt& attempt, const net::Answer& answer) override;
  net::Verdict refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement) override;

  const std::string upload_id_;
  const std::span<const FinishedPart> parts_;
  const std::string body_;
  const std::string payload_hash_;
  const std::string checksum_;
  const bool exclusive_;
  std::string version_;
  bool may_be_ours_ = false;
};

class AbortUpload final : public BucketExchange {
 public:
  AbortUpload(Bucket& bucket, std::string_view key, std::string upload_id)
      : BucketExchange(bucket, key), upload_id_(std::move(upload_id)) {
    despite_outage = true;
  }

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
  net::Verdict refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement) override;

  const std::string upload_id_;
};

/// Whether a multipart upload is there, and a page of its parts.
class ListParts final : public BucketExchange {
 public:
  /// `after`: a part's number. kNotFound where the upload is no more: completed, or given up by somebody.
  ListParts(Bucket& bucket, std::string_view key, std::string upload_id, std::string after = "0")
      : BucketExchange(bucket, key), upload_id_(std::move(upload_id)), after_(std::move(after)) {}
  const PartsPage& page() const { return page_; }

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
  net::Verdict succeeded(const net::Attempt& attempt, const net::Answer& answer) override;
  net::Verdict refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement) override;

  const std::string upload_id_;
  const std::string after_;
  PartsPage page_;
};

class DeleteObject final : public BucketExchange {
 public:
  DeleteObject(Bucket& bucket, std::string_view key) : BucketExchange(bucket, key) {}

 private:
  Question ask(const net::Attempt& attempt, net::Request& request) override;
};

}  // namespace scabbard::s3
