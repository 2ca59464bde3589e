#include "store/s3/object_removal.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "store/s3/object_put.hpp"
#include "store/s3/payload_sum.hpp"
#include "store/s3/xml.hpp"

namespace scabbard::s3 {
namespace {

// S3's limit.
constexpr std::size_t kMostAtOnce = 1000;

class DeleteObjects final : public BucketExchange {
 public:
  DeleteObjects(Bucket& bucket, std::span<const std::string> keys)
      : BucketExchange(bucket, {}), keys_(keys), body_(delete_objects_body(keys)) {
    // Without a sum of the body the request is refused.
    PayloadSum sum(bucket.signs_payload(), Checksum::kMd5);
    sum.add(std::as_bytes(std::span(body_)));
    sums_ = sum.take();
    patience = kLongPatience;
  }

  /// Whether the server says that it has not removed a key, or speaks of one that it was not asked for: it could then
  /// mean any of them.
  bool is_left(const std::string& key) const {
    return speaks_of_others_ || std::ranges::find(left_, key) != left_.end();
  }

 private:
  Question ask(const net::Attempt& /*attempt*/, net::Request& request) override {
    request.method = "POST";
    request.body = std::as_bytes(std::span(body_));
    request.headers.push_back({"content-type", "application/xml"});
    request.headers.push_back({std::string(header_of(Checksum::kMd5)), sums_.checksum});
    return {.query = "delete=", .payload_hash = sums_.payload_hash};
  }

  net::Verdict succeeded(const net::Attempt& /*attempt*/, const net::Answer& answer) override {
    auto left = parse_delete_result(answer.text());
    if (!left) return misunderstood(std::move(left).error());
    left_ = *std::move(left);
    speaks_of_others_ = !std::ranges::all_of(
        left_, [this](const std::string& key) { return std::ranges::find(keys_, key) != keys_.end(); });
    return net::Verdict::done();
  }

  const std::span<const std::string> keys_;
  const std::string body_;
  PayloadSums sums_;
  std::vector<std::string> left_;
  bool speaks_of_others_ = false;
};

void remove_one(const Operation& op, ObjectRemoval& removal) {
  Operation one(op.bucket(), op.context(), "remove", removal.object);
  DeleteObject request(op.bucket(), op.bucket().key_of(removal.object));
  removal.result = one.run(request);
}

// At most kMostAtOnce, all of them with keys that XML can hold.
void remove_batch(const Operation& op, std::span<ObjectRemoval* const> batch) {
  std::vector<std::string> keys;
  for (const ObjectRemoval* removal : batch) keys.push_back(op.bucket().key_of(removal->object));
  DeleteObjects request(op.bucket(), keys);
  auto done = op.run(request);
  const bool is_unknown = !done && done.error().code == ErrorCode::kUnsupported;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    // What is left says why when it is asked for by itself, and may go.
    if (is_unknown || (done && request.is_left(keys[i]))) {
      remove_one(op, *batch[i]);
    } else {
      batch[i]->result = done;
    }
  }
}

}  // namespace

void remove_objects(const Operation& op, std::span<ObjectRemoval> removals) {
  std::vector<ObjectRemoval*> batch;
  auto remove_what_waits = [&] {
    if (!batch.empty()) remove_batch(op, std::exchange(batch, {}));
  };
  for (ObjectRemoval& removal : removals) {
    Operation one(op.bucket(), op.context(), "remove", removal.object);
    if (auto valid = one.check_name(); !valid) {
      removal.result = std::move(valid);
    } else if (is_xml_text(removal.object)) {
      batch.push_back(&removal);
    } else {
      remove_one(op, removal);
    }
    if (batch.size() == kMostAtOnce) remove_what_waits();
  }
  remove_what_waits();
}

}  // namespace scabbard::s3
