#include "store/s3/bucket.hpp"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/object_name.hpp"
#include "store/s3/bucket_exchange.hpp"
#include "store/s3/credential_fetch.hpp"
#include "store/store_file.hpp"

namespace scabbard::s3 {
namespace {

// For so long it is believed that the bucket is still there.
constexpr auto kBucketSeenFor = std::chrono::minutes(1);
constexpr auto kSameTime = std::chrono::minutes(1);

net::ClientSettings client_settings(const StoreConfig& config, const Settings& settings) {
  return {.name = quote(redacted(config.name)),
          .endpoints = settings.endpoints,
          .max_in_flight = settings.max_connections,
          .timeout = settings.timeout,
          .ca_file = settings.ca_file,
          .proxy = settings.proxy,
          .hedging = settings.hedging,
          .probe = {}};
}

// What says nothing of an object: whoever reads it has to know which server and bucket it is about.
// It becomes part of headers and host names.
bool may_be_region(std::string_view text) {
  constexpr std::size_t kMost = 64;
  return !text.empty() && text.size() <= kMost && std::ranges::all_of(text, [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
  });
}

// How long what is said last may take, in the machine's time: a process is to end, whatever its clock is.
constexpr auto kFarewell = std::chrono::seconds(2);

bool is_of_the_store(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kPermissionDenied || code == ErrorCode::kInvalidArgument;
}

}  // namespace

Bucket::Bucket(StoreConfig config, Settings settings)
    : config_(std::move(config)),
      settings_(std::move(settings)),
      quoted_name_(quote(redacted(config_.name))),
      credentials_(std::make_unique<CredentialChain>(settings_.credentials, Environment::of_process(), fetch),
                   *settings_.clock),
      journal_(settings_.state_folder + "/uploads", settings_.endpoints.front().origin + "/" + settings_.bucket),
      signer_(std::make_shared<const Signer>(settings_.region)),
      region_(settings_.region),
      bucket_seen_(std::numeric_limits<Clock::Duration::rep>::min()) {
  net::ClientSettings client = client_settings(config_, settings_);
  client.probe = [this] { return std::make_unique<HeadBucket>(*this); };
  client_ = std::make_unique<net::Client>(settings_.engine ? settings_.engine : net::Engine::process(), client);
}

Bucket::~Bucket() { close(); }

std::shared_ptr<void> Bucket::hold_open() {
  std::lock_guard lock(holding_);
  ++holders_;
  return {this, [](Bucket* bucket) {
            std::lock_guard again(bucket->holding_);
            --bucket->holders_;
            bucket->let_go_.notify_all();
          }};
}

void Bucket::close() {
  {
    std::unique_lock lock(holding_);
    let_go_.wait_for(lock, kFarewell, [&] { return holders_ == 0; });
  }
  closed_ = true;
  closing_.request_stop();
  credentials_.close();
  client_->close();
}

std::string Bucket::path_of(std::string_view key) const {
  std::string path = "/";
  if (!settings_.virtual_hosts) path += encoded_path(settings_.bucket);
  if (key.empty()) return path;
  if (!settings_.virtual_hosts) path += '/';
  return path + encoded_path(key);
}

Result<void> Bucket::wait_for_credentials(const Context& ctx) {
  if (credentials_.current()) return {};
  auto got = credentials_.get(ctx);
  return got ? Result<void>() : fail(std::move(got).error());
}

std::shared_ptr<const Signer> Bucket::signer() const {
  std::lock_guard lock(mutex_);
  return signer_;
}

bool Bucket::signs_payload() const {
  if (settings_.payload == Settings::Payload::kAuto)
    return !std::ranges::all_of(settings_.endpoints, &net::Endpoint::tls);
  return settings_.payload == Settings::Payload::kSigned;
}

Result<void> Bucket::sign(const net::Attempt& attempt, std::string_view path, std::string_view query,
                          std::string_view payload_hash, net::Request& request) {
  request.target.assign(path);
  if (!query.empty()) request.target.append("?").append(query);
  auto credentials = credentials_.current();
  if (!credentials) {
    Error error{.code = ErrorCode::kUnavailable,
                .message = "there are no credentials yet",
                .retryable = true,
                .request_id = {}};
    return fail(std::move(error));
  }
  Request signed_request{.method = request.method,
                         .host = attempt.endpoint->host,
                         .path = path,
                         .query = query,
                         .headers = std::move(request.headers)};
  auto now = std::chrono::system_clock::now() + std::chrono::system_clock::duration(clock_offset_.load());
  auto done = signer()->sign(signed_request, *credentials, payload_hash, now);
  request.headers = std::move(signed_request.headers);
  return done;
}

void Bucket::conceal_secrets(Error& error) const {
  auto credentials = credentials_.current();
  if (!credentials) return;
  error.message = without_secrets(std::move(error.message), *credentials);
  error.request_id = without_secrets(std::move(error.request_id), *credentials);
}

bool Bucket::learn(Remedy remedy, const net::Answer& answer) {
  switch (remedy) {
    case Remedy::kNewCredentials:
      if (auto refused = credentials_.current()) credentials_.rejected(*refused);
      return true;
    case Remedy::kServerTime:
      return learn_time(answer);
    case Remedy::kRegion:
      return learn_region(answer);
    default:
      return true;
  }
}

bool Bucket::learn_region(const net::Answer& answer) {
  std::string region = parse_service_error(answer).region;
  if (!may_be_region(region)) return false;
  std::lock_guard lock(mutex_);
  if (region == region_) return true;  // another request found out first
  log::warn("store {}: the bucket is in region {}, not {}; set option Region", quoted_name_, quote(region),
            quote(region_));
  region_ = region;
  signer_ = std::make_shared<const Signer>(region);
  if (settings_.is_aws) {
    std::vector<net::Endpoint> endpoints = {aws_endpoint(region)};
    client_->endpoints().replace(settings_.virtual_hosts ? with_bucket(std::move(endpoints), settings_.bucket)
                                                         : std::move(endpoints));
  }
  return true;
}

bool Bucket::learn_time(const net::Answer& answer) {
  time_t server = ::curl_getdate(std::string(answer.header("date")).c_str(), nullptr);
  if (server < 0) return false;
  auto offset = std::chrono::system_clock::from_time_t(server) - std::chrono::system_clock::now();
  const auto differs_by = offset - std::chrono::system_clock::duration(clock_offset_.exchange(offset.count()));
  if (std::chrono::abs(differs_by) < kSameTime) return true;  // another request found out first
  log::warn("store {}: this machine's clock differs from the server's by {} s; requests are signed with the server's",
            quoted_name_, std::chrono::duration_cast<std::chrono::seconds>(offset).count());
  return true;
}

void Bucket::saw_bucket() { bucket_seen_ = clock().now().time_since_epoch().count(); }

bool Bucket::saw_bucket_lately() const {
  auto seen = bucket_seen_.load();
  if (seen == std::numeric_limits<Clock::Duration::rep>::min()) return false;
  return clock().now().time_since_epoch() - Clock::Duration(seen) < kBucketSeenFor;
}

Result<void> Operation::check() const {
  if (bucket_.closed()) return failed(ErrorCode::kClosed, "the store is closed");
  if (auto reason = ctx_.ended()) return failed(*reason, to_string(*reason));
  auto ready = bucket_.wait_for_credentials(ctx_);
  if (!ready && bucket_.closed()) return failed(ErrorCode::kClosed, "the store is closed");
  return ready ? Result<void>() : failed(std::move(ready).error());
}

Result<void> Operation::check_name() const {
  if (auto valid = check_object_name(object_); !valid) return failed(ErrorCode::kInvalidPath, valid.error().message);
  if (!is_utf8(object_)) return failed(ErrorCode::kInvalidPath, "the name is not UTF-8, as keys of S3 have to be");
  if (object_ == kStoreFileName) {
    return failed(ErrorCode::kInvalidPath, "that file configures the store and is no object");
  }
  if (object_.size() > bucket_.max_name()) {
    return failed(ErrorCode::kInvalidPath, fmt::format("the name is longer than {} bytes", bucket_.max_name()));
  }
  return {};
}

Result<void> Operation::check_writable() const {
  if (bucket_.closed()) return failed(ErrorCode::kClosed, "the store is closed");
  if (bucket_.config().read_only) return failed(ErrorCode::kReadOnly, "the store is configured read-only");
  return check();
}

Result<BufferPool::Ticket> Operation::reserve(BufferPool::Use use, std::size_t size) const {
  auto ticket = BufferPool::process().reserve(ctx_, use, size, bucket_.closing());
  if (!ticket && bucket_.closed()) return failed(ErrorCode::kClosed, "the store is closed");
  if (!ticket) return failed(std::move(ticket).error());
  return ticket;
}

Result<void> Operation::run(net::Exchange& exchange) const {
  auto done = bucket_.client().run(ctx_, exchange);
  return done ? done : failed(std::move(done).error());
}

std::unexpected<Error> Operation::failed(Error error) const {
  std::string store = fmt::format("store {}", bucket_.quoted_name());
  if (is_of_the_store(error.code)) store += fmt::format(" ({})", bucket_.address());
  error.message = object_.empty() ? fmt::format("{} {}: {}", verb_, store, error.message)
                                  : fmt::format("{} {} in {}: {}", verb_, quote(object_), store, error.message);
  if (!error.request_id.empty()) error.message += fmt::format(" [request {}]", printable(error.request_id));
  log::debug("{}", error.message);
  return fail(std::move(error));
}

std::unexpected<Error> Operation::failed(ErrorCode code, std::string_view reason) const {
  return failed(Error{
      .code = code, .message = std::string(reason), .retryable = code == ErrorCode::kUnavailable, .request_id = {}});
}

}  // namespace scabbard::s3
