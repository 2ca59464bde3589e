#include "store/s3/bucket_exchange.hpp"

#include <utility>

namespace scabbard::s3 {
namespace {
// How often a request is sent again because an error said what was wrong with it.
constexpr unsigned kMostTimes = 2;
// New credentials take a moment to come.
constexpr unsigned kMostCredentials = 6;
constexpr unsigned kMostMisunderstood = 4;
}  // namespace

Result<void> BucketExchange::prepare(const net::Attempt& attempt, net::Request& request) {
  if (unknown_region_) {
    request.method = "HEAD";
    return bucket_.sign(attempt, bucket_.path_of({}), {}, kEmptyPayload, request);
  }
  Question question = ask(attempt, request);
  return bucket_.sign(attempt, path_, question.query, question.payload_hash, request);
}

net::Verdict BucketExchange::judge(const net::Attempt& attempt, const net::Answer& answer) {
  if (unknown_region_) return region_told(answer);
  if (answer.status() / 100 == 2) {
    bucket_.saw_bucket();
    return succeeded(attempt, answer);
  }
  Judgement judgement = judgement_of(answer);
  bucket_.conceal_secrets(judgement.error);
  if (judgement.error.code == ErrorCode::kNotFound && !answer.text().empty()) bucket_.saw_bucket();
  return refused(attempt, answer, std::move(judgement));
}

std::optional<Judgement> BucketExchange::error_in_success(const net::Answer& answer) const {
  auto judgement = s3::error_in_success(answer);
  if (judgement) bucket_.conceal_secrets(judgement->error);
  return judgement;
}

net::Verdict BucketExchange::succeeded(const net::Attempt& /*attempt*/, const net::Answer& /*answer*/) {
  return net::Verdict::done();
}

void BucketExchange::add_storage_class(net::Request& request) const {
  const std::string& storage_class = bucket_.settings().storage_class;
  if (!storage_class.empty()) request.headers.push_back({"x-amz-storage-class", storage_class});
}

net::Verdict BucketExchange::refused(const net::Attempt& /*attempt*/, const net::Answer& answer, Judgement judgement) {
  return verdict_of(answer, std::move(judgement));
}

net::Verdict BucketExchange::verdict_of(const net::Answer& answer, Judgement judgement) {
  switch (judgement.remedy) {
    case Remedy::kNone:
      return net::Verdict::fail(std::move(judgement.error));
    case Remedy::kBackOff:
      return net::Verdict::retry(net::Pace::kBackOff, std::move(judgement.error));
    case Remedy::kSlowDown:
      return net::Verdict::retry(net::Pace::kSlowDown, std::move(judgement.error));
    default:
      return learn(judgement.remedy, answer, std::move(judgement.error));
  }
}

net::Verdict BucketExchange::learn(Remedy remedy, const net::Answer& answer, Error error) {
  const bool comes_later = remedy == Remedy::kNewCredentials;
  if (++tried_.at(static_cast<std::size_t>(remedy)) > (comes_later ? kMostCredentials : kMostTimes)) {
    return net::Verdict::fail(std::move(error));
  }
  if (bucket_.learn(remedy, answer)) {
    const bool takes_time = comes_later || remedy == Remedy::kFewTimes;
    return net::Verdict::retry(takes_time ? net::Pace::kBackOff : net::Pace::kAtOnce, std::move(error));
  }
  if (remedy != Remedy::kRegion) return net::Verdict::fail(std::move(error));
  unknown_region_ = error;
  return net::Verdict::retry(net::Pace::kAtOnce, std::move(error));
}

// A server that will not talk about the bucket names its region all the same.
net::Verdict BucketExchange::region_told(const net::Answer& answer) {
  Error error = *std::exchange(unknown_region_, std::nullopt);
  const bool is_told = bucket_.learn(Remedy::kRegion, answer);
  return is_told ? net::Verdict::retry(net::Pace::kAtOnce, std::move(error)) : net::Verdict::fail(std::move(error));
}

net::Verdict BucketExchange::misunderstood(Error error) {
  if (++misunderstood_ >= kMostMisunderstood) return net::Verdict::fail(std::move(error));
  return net::Verdict::retry(net::Pace::kBackOff, std::move(error));
}

BucketExchange::Question HeadBucket::ask(const net::Attempt& /*attempt*/, net::Request& request) {
  request.method = "HEAD";
  return {};
}

}  // namespace scabbard::s3
