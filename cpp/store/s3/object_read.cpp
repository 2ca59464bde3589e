#include "store/s3/object_read.hpp"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/numbers.hpp"
#include "net/content_range.hpp"
#include "store/s3/xml.hpp"

namespace scabbard::s3 {
namespace {

// More than 5 TiB, which no object of S3 has.
constexpr std::uint64_t kMostObject = std::uint64_t{1} << 50;
constexpr unsigned kMostLooks = 3;

std::optional<std::uint64_t> content_length(const net::Answer& answer) {
  return whole_number<std::uint64_t>(answer.header("content-length"));
}

bool is_of_s3(const net::Answer& answer) { return !answer.header("x-amz-request-id").empty(); }

Error changed() { return {.code = ErrorCode::kChanged, .message = "another version is there", .request_id = {}}; }

Error without_ranges() {
  return {.code = ErrorCode::kUnsupported, .message = "the server sends whole objects and no ranges", .request_id = {}};
}

}  // namespace

ObjectRead::ObjectRead(Bucket& bucket, std::string_view key, Range range)
    : BucketExchange(bucket, key), range_(std::move(range)) {
  const std::size_t length = range_.into.size();
  if (range_.offset >= 0) begin_ = static_cast<std::uint64_t>(range_.offset);
  // The first bytes of the last ones cannot be asked for, nor what lies beyond any object.
  const bool must_look = begin_ ? *begin_ > kMostObject : length < from_end();
  method_ = length == 0 || must_look ? Method::kHead : Method::kRange;
  bulk = length > kMostSmallRead;
  hedge = length <= kMostHedged;
  // What is read on must be of the same version, and where it begins must be known.
  resumable = begin_ && !range_.if_version.empty();
}

BucketExchange::Question ObjectRead::ask(const net::Attempt& attempt, net::Request& request) {
  request.method = method_ == Method::kHead ? "HEAD" : "GET";
  if (method_ == Method::kReason) {
    request.headers.push_back({"range", "bytes=0-0"});
  } else if (method_ == Method::kRange && !begin_) {
    request.headers.push_back({"range", fmt::format("bytes=-{}", from_end())});
  } else if (method_ == Method::kRange) {
    request.headers.push_back(
        {"range", fmt::format("bytes={}-{}", *begin_ + attempt.received, *begin_ + range_.into.size() - 1)});
  }
  if (method_ == Method::kHead && !algorithm_of(bucket().settings().checksum).empty()) {
    request.headers.push_back({"x-amz-checksum-mode", "ENABLED"});
  }
  if (!range_.if_version.empty()) request.headers.push_back({"if-match", etag_of(range_.if_version)});
  return {};
}

Result<std::span<std::byte>> ObjectRead::accept(const net::Attempt& attempt, const net::Answer& head) {
  if (method_ != Method::kRange || head.status() / 100 != 2) return std::span<std::byte>();
  std::string version = version_of(head.header("etag"));
  if (!range_.if_version.empty() && !version.empty() && version != range_.if_version) return fail(changed());
  if (head.status() != 206) {
    // Whole, and no more than asked for: the server need not call that a range.
    auto length = content_length(head);
    const bool is_all = begin_ ? *begin_ == 0 && attempt.received == 0 : length && *length <= from_end();
    return is_all && length && *length <= range_.into.size() ? Result<std::span<std::byte>>(range_.into)
                                                             : fail(without_ranges());
  }
  auto range = net::parse_content_range(head.header("content-range"));
  if (!range) return fail(not_s3("has no valid Content-Range"));
  const std::uint64_t first =
      begin_ ? *begin_ + attempt.received : range->object_size - std::min(range->object_size, from_end());
  const std::uint64_t there = range->object_size - std::min(range->object_size, first);
  if (range->first != first || range->length != std::min<std::uint64_t>(range_.into.size() - attempt.received, there)) {
    return fail(not_s3("has the Content-Range of another range than was asked for"));
  }
  return range_.into;
}

net::Verdict ObjectRead::succeeded(const net::Attempt& attempt, const net::Answer& answer) {
  if (!take_info(answer)) {
    // Of an empty object some answer with a range that is none.
    const bool is_nothing = method_ == Method::kRange && answer.body_size() == 0 && ++looks_ <= kMostLooks;
    if (!is_nothing) return misunderstood(not_s3("has no ETag or no length"));
    method_ = Method::kHead;
    return net::Verdict::retry(net::Pace::kAtOnce, not_s3("has no length"));
  }
  const bool is_other = (!range_.if_version.empty() && info_.version != range_.if_version) ||
                        (range_.if_size && info_.size != *range_.if_size);
  if (is_other) return net::Verdict::fail(changed());
  if (method_ != Method::kRange) return looked();
  got_ = attempt.received + answer.body_size();
  const std::uint64_t begin = begin_ ? *begin_ : info_.size - std::min(info_.size, from_end());
  if (got_ != std::min<std::uint64_t>(range_.into.size(), info_.size - std::min(info_.size, begin))) {
    return misunderstood(not_s3("is shorter than it says"));
  }
  return net::Verdict::done();
}

// After a HEAD, or a GET in its place: that was all, or now it is known where the range begins.
net::Verdict ObjectRead::looked() {
  if (!begin_) begin_ = info_.size - std::min(info_.size, from_end());
  if (range_.into.empty() || *begin_ >= info_.size) return net::Verdict::done();
  if (++looks_ > kMostLooks) return net::Verdict::fail(not_s3("refuses a range that the object has"));
  method_ = Method::kRange;
  range_.if_version = info_.version;
  return net::Verdict::retry(net::Pace::kAtOnce, changed());
}

net::Verdict ObjectRead::refused(const net::Attempt& /*attempt*/, const net::Answer& answer, Judgement judgement) {
  if (method_ != Method::kHead && answer.status() == 416 && ++looks_ <= kMostLooks) {
    // Past the end. Which version that is of, the answer does not tell; but that the bucket is there: what HEAD does
    // not find then is missing (versitygw says so of a folder).
    bucket().saw_bucket();
    method_ = Method::kHead;
    return net::Verdict::retry(net::Pace::kAtOnce, std::move(judgement.error));
  }
  if (method_ != Method::kHead && answer.status() == 404 && answer.text().empty()) {
    return misunderstood(not_s3("to GET has no text"));  // S3 says what is missing
  }
  // S3's own, and not that of something between here and there.
  const bool is_known = answer.status() == 404 && bucket().saw_bucket_lately() && is_of_s3(answer);
  if (method_ == Method::kHead && answer.status() / 100 == 4 && answer.status() != 412 && !is_known) {
    method_ = Method::kReason;
    return net::Verdict::retry(net::Pace::kAtOnce, std::move(judgement.error));
  }
  if (answer.status() == 412) judgement.error = changed();
  return verdict_of(answer, std::move(judgement));
}

bool ObjectRead::take_info(const net::Answer& answer) {
  std::optional<std::uint64_t> size;
  if (answer.status() == 206) {
    if (auto range = net::parse_content_range(answer.header("content-range"))) size = range->object_size;
  } else {
    size = content_length(answer);
  }
  info_.version = version_of(answer.header("etag"));
  if (!size || info_.version.empty()) return false;
  info_.size = *size;
  if (method_ == Method::kRange) return true;
  checksum_ = answer.header(header_of(bucket().settings().checksum));
  time_t modified = ::curl_getdate(std::string(answer.header("last-modified")).c_str(), nullptr);
  info_.modified = std::chrono::system_clock::from_time_t(std::max<time_t>(modified, 0));
  return true;
}

Result<Look> look_at(Bucket& bucket, const Context& ctx, std::string_view key) {
  ObjectRead request(bucket, key, {.offset = 0, .into = {}, .if_version = {}});
  if (auto done = bucket.client().run(ctx, request); !done) return fail(std::move(done).error());
  return Look{request.info(), request.checksum()};
}

}  // namespace scabbard::s3
