// Rules: which requests the scripted server does not answer as S3 would, and what it does instead.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/scripted_server/http_message.hpp"

namespace scabbard::scripted {

/// Where in an exchange something happens.
enum class Phase {
  kAccept,       ///< a connection has been made
  kRequestHead,  ///< the head has come, nothing of the body was read
  kRequestBody,  ///< so many bytes of the body were read
  kAnswerHead,   ///< the request was carried out; so many bytes of the answer's head were sent
  kAnswerBody,   ///< the head and so many bytes of the body were sent
};

/// Something that stops an exchange.
struct Interruption {
  enum class How {
    kStall,    ///< until the server's release(), or the peer goes
    kTrickle,  ///< a byte more of the answer with each trickle() of the server
    kReset,    ///< RST
    kCut,      ///< an orderly end (FIN)
  };
  How how = How::kStall;
  Phase where = Phase::kAnswerHead;
  std::uint64_t after = 0;         ///< bytes
  std::optional<double> fraction;  ///< of the body, in the place of `after`
};

/// An answer in the place of S3's.
struct Answer {
  int status = 200;
  Headers headers;
  std::string body;  ///< "$N" in it is the number of the request among those that the rule applied to
};

/// How S3's answer is changed.
struct Change {
  Headers headers;                    ///< set; an empty value takes the header away
  std::optional<std::uint64_t> flip;  ///< the byte of the body that is sent with one bit wrong
  std::uint64_t space_before = 0;     ///< bytes of white space before the body
  bool without_range = false;         ///< as if the request had no Range
};

/// Which requests a rule is for. All that is set must hold.
struct Condition {
  std::string kind;  ///< as kind_of() calls it
  std::string method;
  std::string path;                                          ///< percent-decoded
  std::optional<std::pair<std::string, std::string>> query;  ///< a parameter and its value
  std::optional<std::string> access_key;                     ///< that the request is signed with
  std::optional<std::string> region;                         ///< that it is signed for
  /// Signed more than 15 minutes off the server's clock.
  bool skewed = false;
  std::optional<std::size_t> endpoint;
  /// From which to which of those requests, counted from 1.
  std::uint64_t first = 1;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
};

struct Rule {
  Condition on;
  std::optional<Answer> answer;
  /// With `answer`: the request is carried out all the same.
  bool carried_out = false;
  Change change;
  std::optional<Interruption> interruption;
  std::chrono::microseconds delay{0};
  /// The connection ends after the answer, unannounced.
  bool close = false;
  /// The byte of the request's body that arrives with one bit wrong.
  std::optional<std::uint64_t> flip_upload;
};

/// Whether the rule is for this request, which of them is left aside. `now` is the server's clock, in seconds since
/// the epoch.
bool holds(const Condition& condition, const Request& request, std::size_t endpoint, std::int64_t now);

/// The answer that a rule gives in the place of S3's, for the `number`th of its requests.
Response response_of(const Answer& answer, std::uint64_t number);
/// Changes S3's answer.
void apply(const Change& change, Response& response);

}  // namespace scabbard::scripted
