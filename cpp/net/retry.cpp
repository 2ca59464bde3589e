#include "net/retry.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace scabbard::net {
namespace {

struct StatusRule {
  int status;
  Pace pace;
};

// Other statuses say something about the request itself.
constexpr std::array kStatusRules = {
    StatusRule{408, Pace::kBackOff},   // Request Timeout
    StatusRule{429, Pace::kSlowDown},  // Too Many Requests
    StatusRule{500, Pace::kBackOff},   // Internal Server Error
    StatusRule{502, Pace::kBackOff},   // Bad Gateway
    StatusRule{503, Pace::kSlowDown},  // Service Unavailable, which S3 also calls SlowDown
    StatusRule{504, Pace::kBackOff},   // Gateway Timeout
};

struct FailureRule {
  CURLcode code;
  bool retry;
  ErrorCode error;
  const char* hint;  // what to do, where that is known
};

// Codes that are not here are defects or the machine's: they are tried again as well, a later attempt may succeed.
constexpr std::array kFailureRules = {
    FailureRule{CURLE_COULDNT_RESOLVE_PROXY, true, ErrorCode::kUnavailable, "; see option Proxy"},
    FailureRule{CURLE_COULDNT_RESOLVE_HOST, true, ErrorCode::kUnavailable, "; see option Endpoint"},
    FailureRule{CURLE_COULDNT_CONNECT, true, ErrorCode::kUnavailable, "; does it run there? See option Endpoint"},
    FailureRule{CURLE_OPERATION_TIMEDOUT, true, ErrorCode::kUnavailable, ""},
    FailureRule{CURLE_SEND_ERROR, true, ErrorCode::kUnavailable, ""},
    FailureRule{CURLE_RECV_ERROR, true, ErrorCode::kUnavailable, ""},
    FailureRule{CURLE_GOT_NOTHING, true, ErrorCode::kUnavailable,
                "; if the server speaks TLS, Endpoint has to begin with https://"},
    FailureRule{CURLE_PARTIAL_FILE, true, ErrorCode::kUnavailable, ""},
    FailureRule{CURLE_SSL_CONNECT_ERROR, true, ErrorCode::kUnavailable,
                "; if the server does not speak TLS, Endpoint has to begin with http://"},
    FailureRule{CURLE_PEER_FAILED_VERIFICATION, false, ErrorCode::kUnavailable, ""},  // see kCertificateRules
    FailureRule{CURLE_SSL_CACERT_BADFILE, false, ErrorCode::kInvalidArgument, "; see option CaFile"},
    FailureRule{CURLE_URL_MALFORMAT, false, ErrorCode::kInvalidArgument, "; see option Endpoint"},
    FailureRule{CURLE_UNSUPPORTED_PROTOCOL, false, ErrorCode::kInvalidArgument, "; see option Endpoint"},
    FailureRule{CURLE_WEIRD_SERVER_REPLY, true, ErrorCode::kUnavailable, "; is this an HTTP server?"},
    FailureRule{CURLE_OUT_OF_MEMORY, true, ErrorCode::kInternal, ""},
};

struct CertificateRule {
  std::string_view part;  // of what OpenSSL and libcurl say
  std::string_view hint;
};

constexpr std::array kCertificateRules = {
    CertificateRule{"expired", "; renew the server's certificate, or set this machine's clock"},
    CertificateRule{"not yet valid", "; set this machine's clock, or the server's certificate is for later"},
    CertificateRule{"subject name", "; Endpoint has to use a name that the server's certificate is for"},
    CertificateRule{"", "; name the file of the authority that signed it in option CaFile"},  // any other
};

// OpenSSL's words for a server that answers without TLS.
constexpr std::string_view kNoTls = "wrong version number";

std::string_view hint_of(const FailureRule& rule, std::string_view text) {
  if (rule.code != CURLE_PEER_FAILED_VERIFICATION) return rule.hint;
  return std::ranges::find_if(kCertificateRules, [&](const CertificateRule& one) { return text.contains(one.part); })
      ->hint;
}

}  // namespace

std::optional<Pace> retry_pace(int status) {
  const auto* rule = std::ranges::find(kStatusRules, status, &StatusRule::status);
  return rule == kStatusRules.end() ? std::nullopt : std::optional(rule->pace);
}

Failure failure_of(CURLcode code, std::string_view text, bool sent) {
  const auto* rule = std::ranges::find(kFailureRules, code, &FailureRule::code);
  const bool known = rule != kFailureRules.end();
  Failure failure;
  failure.retry = (!known || rule->retry) && !(code == CURLE_SSL_CONNECT_ERROR && text.contains(kNoTls));
  failure.may_have_arrived = sent;
  failure.error.code = known ? rule->error : ErrorCode::kUnavailable;
  failure.error.message =
      fmt::format("{}{}", text.empty() ? curl_easy_strerror(code) : text, known ? hint_of(*rule, text) : "");
  failure.error.retryable = failure.retry;
  return failure;
}

Clock::Duration back_off(Pace pace, unsigned attempt, std::minstd_rand& random) {
  constexpr Clock::Duration kMost = std::chrono::seconds(20);
  if (pace == Pace::kAtOnce) return Clock::Duration::zero();
  Clock::Duration first = pace == Pace::kSlowDown ? std::chrono::milliseconds(500) : std::chrono::milliseconds(50);
  Clock::Duration bound = std::min(kMost, first * (1U << std::min(attempt - 1, 9U)));
  return Clock::Duration(std::uniform_int_distribution<Clock::Duration::rep>(0, bound.count())(random));
}

Clock::Time RetryTokens::take(Clock::Time now) {
  refill(now);
  tokens_ -= 1;
  if (tokens_ >= 0) return now;
  return now + Clock::Duration(static_cast<Clock::Duration::rep>(-tokens_ / kPerSecond * 1e9));
}

void RetryTokens::succeeded() { tokens_ = std::min(kMost, tokens_ + 1); }

void RetryTokens::refill(Clock::Time now) {
  if (filled_ == Clock::Time()) filled_ = now;
  double seconds = std::chrono::duration<double>(now - filled_).count();
  tokens_ = std::min(kMost, tokens_ + seconds * kPerSecond);
  filled_ = now;
}

}  // namespace scabbard::net
