// What an error of an S3 server means: one table.
#pragma once

#include <string>
#include <string_view>

#include "net/exchange.hpp"

namespace scabbard::s3 {

/// What is done about an error before it is reported.
enum class Remedy {
  kNone,            ///< it is final
  kBackOff,         ///< asked again later
  kSlowDown,        ///< likewise, and less
  kNewCredentials,  ///< with others, if there are any
  kServerTime,      ///< with the server's time
  kFewTimes,        ///< asked again, but not for long
  kRegion,          ///< of the region that the answer names
};
inline constexpr std::size_t kRemedies = 7;

struct ErrorRule {
  std::string_view code;  ///< as S3 names it
  ErrorCode error;
  Remedy remedy;
  std::string_view meaning;  ///< for people, and what to do; empty: the server's message
};

/// The rule for a code, nullptr for one that is not known.
const ErrorRule* rule_for(std::string_view code);

/// The Error element of an answer; empty where its body has none.
struct ServiceError {
  std::string code;
  std::string message;
  std::string region;
  std::string request_id;
};
ServiceError parse_service_error(const net::Answer& answer);

/// The error of an answer that no S3 server would give: "the server's answer <what>: ...".
Error not_s3(std::string_view what);

/// The server has other bytes than were meant.
Error other_checksum(std::string_view theirs, std::string_view ours);

/// The error of an answer that is not a success, and what to do about it.
struct Judgement {
  Remedy remedy = Remedy::kNone;
  Error error;
};
Judgement judgement_of(const net::Answer& answer);
/// The error that some servers send in an answer that they had begun with status 200.
std::optional<Judgement> error_in_success(const net::Answer& answer);

}  // namespace scabbard::s3
