#include "store/s3/object_copy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "store/s3/object_put.hpp"
#include "store/s3/object_read.hpp"
#include "store/s3/payload_sum.hpp"
#include "store/s3/upload_end.hpp"

namespace scabbard::s3 {
namespace {

// S3 copies objects of up to 5 GiB at once. Smaller parts are copied in parallel.
constexpr std::uint64_t kLargestSingleCopy = std::uint64_t{5} << 30;
constexpr std::uint64_t kPart = std::uint64_t{1} << 30;
constexpr std::size_t kPartsAtOnce = 4;

struct CopySource {
  std::string path;
  std::string version;
  std::uint64_t size = 0;
};

// CopyObject, or UploadPartCopy of a range.
class ServerCopy final : public BucketExchange {
 public:
  struct Part {
    std::string upload_id;
    unsigned number = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  ServerCopy(Bucket& bucket, std::string_view key, const CopySource& source, Part part)
      : BucketExchange(bucket, key), source_(source), part_(std::move(part)) {
    patience = kLongPatience;
    bulk = true;
  }
  const std::string& version() const { return version_; }
  unsigned number() const { return part_.number; }

 private:
  Question ask(const net::Attempt& /*attempt*/, net::Request& request) override {
    request.method = "PUT";
    request.headers.push_back({"x-amz-copy-source", source_.path});
    request.headers.push_back({"x-amz-copy-source-if-match", etag_of(source_.version)});
    if (part_.upload_id.empty()) {
      add_storage_class(request);
      return {};
    }
    request.headers.push_back({"x-amz-copy-source-range", fmt::format("bytes={}-{}", part_.begin, part_.end - 1)});
    return {.query = part_query(part_.upload_id, part_.number)};
  }

  net::Verdict succeeded(const net::Attempt& /*attempt*/, const net::Answer& answer) override {
    if (auto judgement = error_in_success(answer)) return verdict_of(answer, *std::move(judgement));
    auto version = parse_etag(answer.text());
    if (!version) return misunderstood(std::move(version).error());
    version_ = *std::move(version);
    return net::Verdict::done();
  }

  const CopySource& source_;
  const Part part_;
  std::string version_;
};

Result<std::vector<FinishedPart>> copy_parts(const Operation& op, std::string_view key, const CopySource& source,
                                             const std::string& upload_id, std::atomic<std::uint64_t>* progress) {
  std::vector<FinishedPart> parts;
  for (std::uint64_t begin = 0; begin < source.size;) {
    std::vector<std::unique_ptr<ServerCopy>> copies;
    std::vector<net::Exchange*> exchanges;
    const std::uint64_t first = begin;
    while (begin < source.size && copies.size() < kPartsAtOnce) {
      const std::uint64_t end = std::min(begin + kPart, source.size);
      const auto number = static_cast<unsigned>(begin / kPart + 1);
      copies.push_back(std::make_unique<ServerCopy>(
          op.bucket(), key, source,
          ServerCopy::Part{.upload_id = upload_id, .number = number, .begin = begin, .end = end}));
      exchanges.push_back(copies.back().get());
      begin = end;
    }
    auto done = op.bucket().client().run_all(op.context(), exchanges);
    if (!done) return op.failed(std::move(done).error());
    for (const auto& copied : copies)
      parts.push_back({.number = copied->number(), .etag = copied->version(), .checksum = {}});
    if (progress != nullptr) *progress += begin - first;
  }
  return parts;
}

Result<std::string> copy_in_parts(const Operation& op, std::string_view key, const CopySource& source,
                                  std::atomic<std::uint64_t>* progress) {
  CreateUpload create(op.bucket(), key, Checksum::kNone);
  if (auto done = op.run(create); !done) return fail(std::move(done).error());
  auto journal = op.bucket().journal().begin({.key = std::string(key),
                                              .upload_id = create.upload_id(),
                                              .part_size = kPart,
                                              .checksum = {},
                                              .source = {},
                                              .parts = {}});
  auto parts = copy_parts(op, key, source, create.upload_id(), progress);
  if (!parts) {
    abandon_upload(op.bucket(), key, create.upload_id(), std::move(journal));
    return fail(std::move(parts).error());
  }
  auto made = complete_upload(op, key, create.upload_id(), *parts, {}, source.size, false);
  if (!made) {
    abandon_upload(op.bucket(), key, create.upload_id(), std::move(journal));
    return fail(std::move(made).error());
  }
  if (journal) journal->remove();
  return std::move(made)->version;
}

Result<std::string> copy_at_once(const Operation& op, std::string_view key, const CopySource& source,
                                 std::atomic<std::uint64_t>* progress) {
  ServerCopy copy(op.bucket(), key, source, {});
  if (auto done = op.run(copy); !done) return fail(std::move(done).error());
  if (progress != nullptr) *progress += source.size;
  return copy.version();
}

std::string path_of(const Bucket& bucket, std::string_view key) {
  return fmt::format("/{}/{}", encoded_path(bucket.settings().bucket), encoded_path(key));
}

// Servers make no copies on the condition that there is nothing yet; a PUT may have it.
std::unexpected<Error> refuse_exclusive(const Operation& op, std::string_view key) {
  if (look_at(op.bucket(), op.context(), key))
    return op.failed(ErrorCode::kAlreadyExists, to_string(ErrorCode::kAlreadyExists));
  return op.failed(ErrorCode::kUnsupported, "the server makes no copies that must not replace anything");
}

}  // namespace

bool is_same_server(const Bucket& a, const Bucket& b) {
  const Settings& one = a.settings();
  const Settings& other = b.settings();
  auto without_bucket = [](const Settings& settings) {
    std::string origin = settings.endpoints.front().origin;
    if (settings.virtual_hosts) origin.erase(origin.find("//") + 2, settings.bucket.size() + 1);
    return origin;
  };
  return without_bucket(one) == without_bucket(other) && one.credentials.profile == other.credentials.profile &&
         one.credentials.credentials_file == other.credentials.credentials_file && !one.credentials.anonymous &&
         !other.credentials.anonymous;
}

Result<WriteInfo> copy_object_on_server(const Context& ctx, Bucket& bucket, Bucket& source, const ObjectCopy& copy) {
  Operation op(bucket, ctx, "put", copy.object);
  if (auto going = op.check_writable(); !going) return fail(std::move(going).error());
  if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  Operation reading(source, ctx, "open", copy.source);
  if (auto going = reading.check(); !going) return fail(std::move(going).error());
  if (auto valid = reading.check_name(); !valid) return fail(std::move(valid).error());
  const std::string source_key = source.key_of(copy.source);
  auto info = look_at(source, ctx, source_key);
  if (!info) return reading.failed(std::move(info).error());
  const CopySource from{.path = path_of(source, source_key), .version = info->version, .size = info->size};
  if (copy.options.length && *copy.options.length != from.size) {
    return op.failed(ErrorCode::kInvalidArgument,
                     fmt::format("{} bytes announced, {} to be copied", *copy.options.length, from.size));
  }
  const std::string key = bucket.key_of(copy.object);
  if (copy.options.exclusive) return refuse_exclusive(op, key);
  // S3 refuses to.
  if (from.path == path_of(bucket, key)) return WriteInfo{.size = from.size, .version = from.version, .crc32c = {}};
  auto version = from.size <= kLargestSingleCopy ? copy_at_once(op, key, from, copy.options.progress)
                                                 : copy_in_parts(op, key, from, copy.options.progress);
  if (!version) return fail(std::move(version).error());
  return verify_written(op, key, from.size, *version, {});
}

}  // namespace scabbard::s3
