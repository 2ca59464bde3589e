#include "store/s3/upload_end.hpp"

#include <fmt/core.h>

#include <future>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/s3/object_put.hpp"
#include "store/s3/object_read.hpp"
#include "store/s3/payload_sum.hpp"

namespace scabbard::s3 {
namespace {

// How long giving up waits for the server to hear of it.
constexpr auto kAbortWait = std::chrono::milliseconds(80);

// Tells the server that an upload is given up. Lives until the server, or the end of the store, has answered.
class Abandonment final : public net::Receiver {
 public:
  static void begin(Bucket& bucket, std::string_view key, const std::string& upload_id,
                    std::unique_ptr<UploadJournal::Entry> journal) {
    auto* self = new Abandonment(bucket, key, upload_id, std::move(journal));
    std::future<void> answered = self->answered_.get_future();
    net::Exchange* exchange = &self->abort_;
    bucket.client().submit({&exchange, 1}, *self);
    answered.wait_for(kAbortWait);
  }

  void finished(std::span<net::Finished> some) override {
    const Result<void>& result = some.front().result;
    if (result && journal_) journal_->remove();
    if (!result) {
      log::warn(
          "store {}: an unfinished upload of key {} is left on the server, until the same file is stored again, a "
          "plugin opens the store, or `scabbard rm --uploads` gives it up: {}",
          bucket_.quoted_name(), quote(key_), result.error().message);
    }
    answered_.set_value();
    delete this;
  }

 private:
  Abandonment(Bucket& bucket, std::string_view key, const std::string& upload_id,
              std::unique_ptr<UploadJournal::Entry> journal)
      : bucket_(bucket),
        key_(key),
        abort_(bucket, key, upload_id),
        journal_(std::move(journal)),
        holds_open_(bucket.hold_open()) {}

  Bucket& bucket_;  // which ends this before it goes
  const std::string key_;
  AbortUpload abort_;
  std::unique_ptr<UploadJournal::Entry> journal_;  // what is not given up now is swept later
  std::promise<void> answered_;
  const std::shared_ptr<void> holds_open_;
};

}  // namespace

// The size alone would not do: sealed sectors are all of the same size, and an older one may be there.
Result<Made> find_written(const Operation& op, std::string_view key, std::uint64_t size, const std::string& expected,
                          Error failure) {
  auto there = look_at(op.bucket(), op.context(), key);
  if (!there && there.error().code != ErrorCode::kNotFound) return op.failed(std::move(there).error());
  const bool is_ours = there && there->size == size && !expected.empty() && there->version == expected;
  return is_ours ? Result<Made>({.version = there->version, .verified = true}) : op.failed(std::move(failure));
}

void abandon_upload(Bucket& bucket, std::string_view key, const std::string& upload_id,
                    std::unique_ptr<UploadJournal::Entry> journal) {
  Abandonment::begin(bucket, key, upload_id, std::move(journal));
}

Result<WriteInfo> verify_written(const Operation& op, std::string_view key, std::uint64_t size,
                                 const std::string& version, const std::string& checksum) {
  auto there = look_at(op.bucket(), op.context(), key);
  if (!there) {
    Error error = std::move(there).error();
    error.message = fmt::format("written, but not seen afterwards: {}", error.message);
    return op.failed(std::move(error));
  }
  if (there->version != version) {
    log::warn("store {}: the object at key {} is not what was just written: somebody else has replaced it",
              op.bucket().quoted_name(), quote(key));
  }
  if (there->version == version && there->size != size) {
    return op.failed(ErrorCode::kCorrupt, fmt::format("{} bytes were sent, the server has {}", size, there->size));
  }
  // Of parts, some servers make the other kind of sum.
  const bool is_comparable = there->checksum.contains('-') == checksum.contains('-') && !there->checksum.empty();
  if (there->version == version && !checksum.empty() && is_comparable && there->checksum != checksum) {
    return op.failed(other_checksum(there->checksum, checksum));
  }
  return WriteInfo{.size = size, .version = version, .crc32c = {}, .replaced = there->version != version};
}

Result<Made> complete_upload(const Operation& op, std::string_view key, const std::string& upload_id,
                             std::span<const FinishedPart> parts, const std::string& checksum, std::uint64_t size,
                             bool exclusive) {
  CompleteUpload complete(op.bucket(), key, upload_id, parts, checksum, exclusive);
  auto done = op.bucket().client().run(op.context(), complete);
  if (done) return Made{.version = complete.version()};
  if (complete.may_be_ours()) return find_written(op, key, size, etag_of_parts(parts), std::move(done).error());
  return op.failed(std::move(done).error());
}

}  // namespace scabbard::s3
