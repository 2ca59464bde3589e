#include "store/s3/object_put.hpp"

#include <fmt/core.h>

#include <array>
#include <optional>
#include <utility>

#include "store/s3/payload_sum.hpp"

namespace scabbard::s3 {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

PayloadSums sums_of(const Bucket& bucket, std::span<const std::byte> body) {
  PayloadSum sum(bucket.signs_payload(), Checksum::kNone);
  sum.add(body);
  return sum.take();
}

// Ceph 16 leaves the ETag of a finished upload empty.
Result<std::string> completed_version(std::string_view answer, std::span<const FinishedPart> parts) {
  auto told = parse_etag(answer);
  if (!told || !told->empty()) return told;
  std::string known = etag_of_parts(parts);
  if (known.empty()) return fail(not_s3("has no ETag"));
  return known;
}

Error exists() {
  return {.code = ErrorCode::kAlreadyExists,
          .message = std::string(to_string(ErrorCode::kAlreadyExists)),
          .request_id = {}};
}

}  // namespace

std::string part_query(std::string_view upload_id, unsigned number) {
  const std::string digits = std::to_string(number);
  return encoded_query(std::array{QueryParameter{"partNumber", digits}, QueryParameter{"uploadId", upload_id}});
}

ObjectPut::ObjectPut(Bucket& bucket, std::string_view key, std::span<const std::byte> body, const PayloadSums& sums,
                     bool exclusive)
    : BucketExchange(bucket, key),
      body_(body),
      payload_hash_(sums.payload_hash),
      checksum_(sums.checksum),
      exclusive_(exclusive) {
  bulk = body.size() > kMostSmallRead;
}

ObjectPut::ObjectPut(Bucket& bucket, std::string_view key, std::span<const std::byte> body, const PayloadSums& sums,
                     Part part)
    : BucketExchange(bucket, key),
      body_(body),
      payload_hash_(sums.payload_hash),
      checksum_(sums.checksum),
      part_(std::move(part)) {
  bulk = body.size() > kMostSmallRead;
}

ObjectPut::ObjectPut(Bucket& bucket, std::string_view key, FilePart& body, Part part)
    : BucketExchange(bucket, key), file_(&body), payload_hash_(kUnsignedPayload), part_(std::move(part)) {
  bulk = true;
}

BucketExchange::Question ObjectPut::ask(const net::Attempt& /*attempt*/, net::Request& request) {
  request.method = "PUT";
  request.body = body_;
  if (file_ != nullptr) {
    request.source = file_;
    request.source_size = file_->size();
  }
  if (!checksum_.empty()) {
    request.headers.push_back({std::string(header_of(bucket().settings().checksum)), checksum_});
  }
  if (exclusive_) request.headers.push_back({"if-none-match", "*"});
  if (!part_.upload_id.empty()) {
    return {.query = part_query(part_.upload_id, part_.number), .payload_hash = payload_hash_};
  }
  add_storage_class(request);
  return {.query = {}, .payload_hash = payload_hash_};
}

net::Verdict ObjectPut::succeeded(const net::Attempt& /*attempt*/, const net::Answer& answer) {
  version_ = version_of(answer.header("etag"));
  is_put_ = true;
  if (version_.empty()) return misunderstood(not_s3("has no ETag"));
  // Some servers take a checksum and know nothing of it.
  const std::string_view theirs = checksum_.empty() ? "" : answer.header(header_of(bucket().settings().checksum));
  if (!theirs.empty() && theirs != checksum_) return misunderstood(other_checksum(theirs, checksum_));
  return net::Verdict::done();
}

net::Verdict ObjectPut::refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement) {
  if (exclusive_ && answer.status() == 412) {
    may_be_ours_ = is_put_ || attempt.may_have_arrived;
    return net::Verdict::fail(exists());
  }
  return verdict_of(answer, std::move(judgement));
}

BucketExchange::Question CreateUpload::ask(const net::Attempt& /*attempt*/, net::Request& request) {
  request.method = "POST";
  add_storage_class(request);
  if (!algorithm_of(checksum_).empty()) {
    request.headers.push_back({"x-amz-checksum-algorithm", std::string(algorithm_of(checksum_))});
  }
  if (is_of_whole_object(checksum_)) request.headers.push_back({"x-amz-checksum-type", "FULL_OBJECT"});
  return {.query = "uploads="};
}

net::Verdict CreateUpload::succeeded(const net::Attempt& /*attempt*/, const net::Answer& answer) {
  auto id = parse_upload_id(answer.text());
  if (!id) return misunderstood(std::move(id).error());
  upload_id_ = *std::move(id);
  return net::Verdict::done();
}

CompleteUpload::CompleteUpload(Bucket& bucket, std::string_view key, std::string upload_id,
                               std::span<const FinishedPart> parts, std::string checksum, bool exclusive)
    : BucketExchange(bucket, key),
      upload_id_(std::move(upload_id)),
      parts_(parts),
      body_(complete_upload_body(parts, algorithm_of(bucket.settings().checksum))),
      payload_hash_(sums_of(bucket, bytes_of(body_)).payload_hash),
      checksum_(std::move(checksum)),
      exclusive_(exclusive) {
  patience = kLongPatience;
}

BucketExchange::Question CompleteUpload::ask(const net::Attempt& /*attempt*/, net::Request& request) {
  request.method = "POST";
  request.body = bytes_of(body_);
  request.headers.push_back({"content-type", "application/xml"});
  const Checksum kind = bucket().settings().checksum;
  if (!checksum_.empty() && is_of_whole_object(kind)) {
    request.headers.push_back({std::string(header_of(kind)), checksum_});
    request.headers.push_back({"x-amz-checksum-type", "FULL_OBJECT"});
  }
  if (exclusive_) request.headers.push_back({"if-none-match", "*"});
  return {.query = encoded_query(std::array{QueryParameter{"uploadId", upload_id_}}), .payload_hash = payload_hash_};
}

net::Verdict CompleteUpload::succeeded(const net::Attempt& attempt, const net::Answer& answer) {
  if (auto judgement = error_in_success(answer)) {
    may_be_ours_ |= judgement->error.retryable;  // it may be done in spite of that, as after a status of 500
    return refused(attempt, answer, *std::move(judgement));
  }
  auto version = completed_version(answer.text(), parts_);
  if (!version) {  // a cut answer: the next one says NoSuchUpload if it was done
    may_be_ours_ = true;
    return misunderstood(std::move(version).error());
  }
  version_ = *std::move(version);
  return net::Verdict::done();
}

net::Verdict CompleteUpload::refused(const net::Attempt& attempt, const net::Answer& answer, Judgement judgement) {
  const bool is_precondition = judgement.error.code == ErrorCode::kChanged;
  if (exclusive_ && is_precondition) judgement.error = exists();
  const bool is_gone = parse_service_error(answer).code == "NoSuchUpload";
  if (is_gone || is_precondition) may_be_ours_ |= attempt.may_have_arrived;
  return verdict_of(answer, std::move(judgement));
}

BucketExchange::Question AbortUpload::ask(const net::Attempt& /*attempt*/, net::Request& request) {
  request.method = "DELETE";
  return {.query = encoded_query(std::array{QueryParameter{"uploadId", upload_id_}})};
}

// Gone is what it should be.
net::Verdict AbortUpload::refused(const net::Attempt& /*attempt*/, const net::Answer& answer, Judgement judgement) {
  return answer.status() == 404 ? net::Verdict::done() : verdict_of(answer, std::move(judgement));
}

BucketExchange::Question ListParts::ask(const net::Attempt& /*attempt*/, net::Request& /*request*/) {
  return {.query = encoded_query(
              std::array{QueryParameter{"part-number-marker", after_}, QueryParameter{"uploadId", upload_id_}})};
}

net::Verdict ListParts::succeeded(const net::Attempt& /*attempt*/, const net::Answer& answer) {
  auto page = parse_parts_page(answer.text());
  if (!page) return misunderstood(std::move(page).error());
  page_ = *std::move(page);
  return net::Verdict::done();
}

net::Verdict ListParts::refused(const net::Attempt& /*attempt*/, const net::Answer& answer, Judgement judgement) {
  if (parse_service_error(answer).code == "NoSuchUpload") judgement.error.code = ErrorCode::kNotFound;
  return verdict_of(answer, std::move(judgement));
}

BucketExchange::Question DeleteObject::ask(const net::Attempt& /*attempt*/, net::Request& request) {
  request.method = "DELETE";
  return {};
}

}  // namespace scabbard::s3
