#include "store/s3/service_errors.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "net/retry.hpp"
#include "store/s3/xml.hpp"

namespace scabbard::s3 {
namespace {

using enum ErrorCode;

constexpr std::string_view kWrongKeys = "the server does not know the access key: check the credentials and Endpoint";

constexpr std::array kRules = {
    ErrorRule{"NoSuchKey", kNotFound, Remedy::kNone, "not found"},
    // Another one can be begun.
    ErrorRule{"NoSuchUpload", kUnavailable, Remedy::kNone, "the multipart upload is gone: somebody has aborted it"},
    ErrorRule{"NoSuchBucket", kUnavailable, Remedy::kNone, "the bucket does not exist: create it, or correct Url"},
    ErrorRule{"InvalidBucketName", kInvalidArgument, Remedy::kNone, "no bucket can be called that: correct Url"},
    ErrorRule{"AccessDenied", kPermissionDenied, Remedy::kNone,
              "access denied: the keys need s3:GetObject, PutObject, DeleteObject and ListBucket (without the last a "
              "missing object looks like this too)"},
    ErrorRule{"AllAccessDisabled", kPermissionDenied, Remedy::kNone, ""},
    ErrorRule{"AccountProblem", kPermissionDenied, Remedy::kNone, ""},
    ErrorRule{"InvalidAccessKeyId", kPermissionDenied, Remedy::kNone, kWrongKeys},
    ErrorRule{"XAdminUserNotFound", kPermissionDenied, Remedy::kNone, kWrongKeys},
    ErrorRule{"SignatureDoesNotMatch", kPermissionDenied, Remedy::kNone,
              "the signature is wrong: check the secret access key, and Region"},
    ErrorRule{"ExpiredToken", kPermissionDenied, Remedy::kNewCredentials, "the credentials have expired: renew them"},
    ErrorRule{"ExpiredTokenException", kPermissionDenied, Remedy::kNewCredentials,
              "the credentials have expired: renew them"},
    ErrorRule{"TokenRefreshRequired", kPermissionDenied, Remedy::kNewCredentials, ""},
    ErrorRule{"InvalidToken", kPermissionDenied, Remedy::kNewCredentials,
              "the session token is not valid: renew the credentials"},
    ErrorRule{"RequestTimeTooSkewed", kPermissionDenied, Remedy::kServerTime,
              "this machine's clock differs from the server's: set it"},
    ErrorRule{"RequestExpired", kPermissionDenied, Remedy::kServerTime,
              "this machine's clock differs from the server's: set it"},
    ErrorRule{"AuthorizationHeaderMalformed", kInvalidArgument, Remedy::kRegion,
              "the server expects another region: set option Region"},
    ErrorRule{"PermanentRedirect", kInvalidArgument, Remedy::kRegion,
              "the bucket is at another endpoint: set options Endpoint and Region"},
    ErrorRule{"TemporaryRedirect", kInvalidArgument, Remedy::kRegion,
              "the bucket is at another endpoint: set options Endpoint and Region"},
    ErrorRule{"Redirect", kInvalidArgument, Remedy::kRegion,
              "the bucket is at another endpoint: set options Endpoint and Region"},
    ErrorRule{"IllegalLocationConstraintException", kInvalidArgument, Remedy::kRegion,
              "the bucket is in another region: set option Region"},
    ErrorRule{"SlowDown", kUnavailable, Remedy::kSlowDown, ""},
    ErrorRule{"SlowDownRead", kUnavailable, Remedy::kSlowDown, ""},
    ErrorRule{"SlowDownWrite", kUnavailable, Remedy::kSlowDown, ""},
    ErrorRule{"TooManyRequests", kUnavailable, Remedy::kSlowDown, ""},
    ErrorRule{"RequestLimitExceeded", kUnavailable, Remedy::kSlowDown, ""},
    ErrorRule{"ThrottlingException", kUnavailable, Remedy::kSlowDown, ""},
    ErrorRule{"ServiceUnavailable", kUnavailable, Remedy::kSlowDown, ""},
    ErrorRule{"InternalError", kUnavailable, Remedy::kBackOff, ""},
    ErrorRule{"RequestTimeout", kUnavailable, Remedy::kBackOff, ""},
    ErrorRule{"OperationAborted", kUnavailable, Remedy::kBackOff, ""},
    ErrorRule{"ConditionalRequestConflict", kUnavailable, Remedy::kBackOff, ""},
    ErrorRule{"XMinioServerNotInitialized", kUnavailable, Remedy::kBackOff, ""},
    ErrorRule{"IncompleteBody", kUnavailable, Remedy::kBackOff, ""},
    // versitygw takes what it has left unread of a refused body for the next request.
    ErrorRule{"BadRequest", kInvalidArgument, Remedy::kFewTimes, ""},
    // The bytes were changed on the way.
    ErrorRule{"BadDigest", kCorrupt, Remedy::kBackOff, ""},
    ErrorRule{"XAmzContentSHA256Mismatch", kCorrupt, Remedy::kBackOff, ""},
    ErrorRule{"XAmzContentChecksumMismatch", kCorrupt, Remedy::kBackOff, ""},
    ErrorRule{"PreconditionFailed", kChanged, Remedy::kNone, "the object has changed"},
    ErrorRule{"QuotaExceeded", kNoSpace, Remedy::kNone, ""},
    ErrorRule{"XMinioStorageFull", kNoSpace, Remedy::kNone, ""},
    ErrorRule{"XMinioAdminBucketQuotaExceeded", kNoSpace, Remedy::kNone, ""},
    ErrorRule{"InsufficientStorage", kNoSpace, Remedy::kNone, ""},
    ErrorRule{"EntityTooLarge", kInvalidArgument, Remedy::kNone, "the server takes no object of this size"},
    ErrorRule{"EntityTooSmall", kInvalidArgument, Remedy::kNone, "a part is too small for the server: raise PartSize"},
    // Also for a moment, while the server puts away what a process that died had sent. Another upload may do better.
    ErrorRule{"InvalidPart", kUnavailable, Remedy::kFewTimes, "the server has lost a part of the upload"},
    ErrorRule{"InvalidPartOrder", kInternal, Remedy::kNone, ""},
    ErrorRule{"KeyTooLongError", kInvalidPath, Remedy::kNone, "the name is too long for the server"},
    ErrorRule{"InvalidObjectName", kInvalidPath, Remedy::kNone, "the server takes no object of this name"},
    ErrorRule{"XMinioInvalidObjectName", kInvalidPath, Remedy::kNone, "the server takes no object of this name"},
    ErrorRule{"XMinioParentIsObject", kInvalidPath, Remedy::kNone, "what should be a folder is an object"},
    ErrorRule{"ObjectParentIsFile", kInvalidPath, Remedy::kNone, "what should be a folder is an object"},
    ErrorRule{"ExistingObjectIsDirectory", kNotRegularFile, Remedy::kNone, "a folder has that name"},
    ErrorRule{"InvalidStorageClass", kInvalidArgument, Remedy::kNone, "the server does not know option StorageClass"},
    ErrorRule{"InvalidObjectState", kPermissionDenied, Remedy::kNone, "the object is archived: restore it first"},
    ErrorRule{"NotImplemented", kUnsupported, Remedy::kNone, ""},
    ErrorRule{"MethodNotAllowed", kUnsupported, Remedy::kNone, ""},
};

Error no_error_of_s3(int status) { return not_s3(fmt::format("has status {} and no error of S3", status)); }

// Where the body has no code: an error of S3 that was cut, or a page of some other server. A refusal is one all the
// same; that an object is missing, or the request malformed, only S3 can say.
bool is_of_s3(const net::Answer& answer, const ServiceError& service) {
  if (!service.code.empty() || answer.text().empty()) return true;
  const bool has_to_say_so = answer.status() == 400 || answer.status() == 404;
  return !has_to_say_so && !answer.header("content-type").starts_with("text/html");
}

// What a status means without a code: answers to HEAD have no body.
Judgement of_status(int status, bool is_s3) {
  auto final_error = [](ErrorCode code, std::string_view text) {
    return Judgement{Remedy::kNone, Error{.code = code, .message = std::string(text), .request_id = {}}};
  };
  if (auto pace = net::retry_pace(status)) {
    return {
        *pace == net::Pace::kSlowDown ? Remedy::kSlowDown : Remedy::kBackOff,
        Error{.code = kUnavailable, .message = fmt::format("status {}", status), .retryable = true, .request_id = {}}};
  }
  switch (status) {
    case 301:
    case 307:
      return {Remedy::kRegion, Error{.code = kInvalidArgument,
                                     .message = "the bucket is at another endpoint: set options Endpoint and Region",
                                     .request_id = {}}};
    case 400:
      return {Remedy::kRegion,
              is_s3 ? Error{.code = kInvalidArgument,
                            .message =
                                "the server does not take the request (status 400): check Region and the credentials",
                            .request_id = {}}
                    : no_error_of_s3(status)};
    default:
      break;
  }
  if (!is_s3) return {Remedy::kNone, no_error_of_s3(status)};
  switch (status) {
    case 401:
    case 403:
      return final_error(kPermissionDenied, rule_for("AccessDenied")->meaning);
    case 404:
      return final_error(kNotFound, "not found");
    case 405:
    case 501:
      return final_error(kUnsupported, fmt::format("the server cannot do that (status {})", status));
    case 412:
      return final_error(kChanged, "the object has changed");
    case 507:
      return final_error(kNoSpace, "the server is full");
    default:
      return {Remedy::kNone, no_error_of_s3(status)};
  }
}

// What the code says of it, where there is one.
Judgement explained(Judgement judgement, const ServiceError& service) {
  if (const ErrorRule* rule = rule_for(service.code); rule != nullptr) {
    judgement.remedy = rule->remedy;
    judgement.error.code = rule->error;
    judgement.error.message = std::string(rule->meaning.empty() ? std::string_view(service.message) : rule->meaning);
    judgement.error.retryable = rule->remedy == Remedy::kBackOff || rule->remedy == Remedy::kSlowDown ||
                                rule->remedy == Remedy::kNewCredentials ||
                                (rule->remedy == Remedy::kFewTimes && rule->error == kUnavailable);
  } else if (!service.code.empty()) {
    if (judgement.remedy == Remedy::kRegion) judgement.remedy = Remedy::kNone;  // it is something else
    if (!service.message.empty()) judgement.error.message = service.message;
  }
  if (!service.code.empty()) judgement.error.message += fmt::format(" ({})", printable(service.code));
  judgement.error.message = printable(judgement.error.message);
  judgement.error.request_id = service.request_id;
  return judgement;
}

}  // namespace

const ErrorRule* rule_for(std::string_view code) {
  const auto* rule = std::ranges::find(kRules, code, &ErrorRule::code);
  return rule == kRules.end() ? nullptr : rule;
}

Error other_checksum(std::string_view theirs, std::string_view ours) {
  return {.code = kCorrupt,
          .message = fmt::format("the server has the checksum {}, the bytes have {}: they were damaged on the way or "
                                 "in memory",
                                 theirs, ours),
          .retryable = true,
          .request_id = {}};
}

Error not_s3(std::string_view what) {
  return {.code = kUnavailable,
          .message = fmt::format("the server's answer {}: is Endpoint an S3 server?", what),
          .retryable = true,
          .request_id = {}};
}

ServiceError parse_service_error(const net::Answer& answer) {
  ServiceError error = parse_error_body(answer.text());
  if (error.request_id.empty()) error.request_id = answer.header("x-amz-request-id");
  if (auto region = answer.header("x-amz-bucket-region"); !region.empty()) error.region = region;
  return error;
}

Judgement judgement_of(const net::Answer& answer) {
  const ServiceError service = parse_service_error(answer);
  return explained(of_status(answer.status(), is_of_s3(answer, service)), service);
}

std::optional<Judgement> error_in_success(const net::Answer& answer) {
  const ServiceError service = parse_service_error(answer);
  if (service.code.empty()) return std::nullopt;
  return explained(
      {Remedy::kBackOff,
       Error{.code = kUnavailable, .message = "an error in a success", .retryable = true, .request_id = {}}},
      service);
}

}  // namespace scabbard::s3
