// What is asked of a server and what becomes of its answer.
//
// An Exchange is one question, asked as often as it takes. The engine calls its functions on a loop thread, one at
// a time: prepare() for each attempt, accept() when an answer's headers are there, judge() when the answer is whole.
// They must not block. The engine decides by what judge() says, and tries again by itself what got no answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/endpoint.hpp"
#include "scabbard/error.hpp"

namespace scabbard::net {

struct Header {
  std::string name;
  std::string value;
};

/// A body that lies in no memory: it is read while it is sent.
class BodySource {
 public:
  virtual ~BodySource() = default;

  /// Puts bytes from `offset` on into `into`, which is not empty: as many as can be had at once, and says how many.
  /// None: the attempt rests until Client::resume(). Called on a loop thread, from the beginning again for another
  /// attempt; must not block. An error ends the attempt as in Exchange::prepare().
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) = 0;
};

/// One attempt as it is sent.
struct Request {
  std::string method = "GET";
  /// Path and query, percent-encoded; sent as it is.
  std::string target;
  /// Host, Content-Length and User-Agent are the engine's.
  std::vector<Header> headers;
  /// Lives and stays the same until the exchange is done. Sent where the method is PUT or POST, even when empty.
  std::span<const std::byte> body;
  /// The body where it is not in `body`, and how long it is. Lives as long.
  BodySource* source = nullptr;
  std::uint64_t source_size = 0;
};

/// What prepare() is told.
struct Attempt {
  std::shared_ptr<const Endpoint> endpoint;
  unsigned number = 1;
  /// Bytes of the body that earlier attempts have put where accept() said.
  std::size_t received = 0;
  /// An earlier attempt was sent and its answer lost, or said that the server is in trouble: it may have done it.
  bool may_have_arrived = false;
};

/// An answer, or as much of one as has come.
class Answer {
 public:
  int status() const { return status_; }
  /// Without surrounding space; empty where there is none. The name in lower case.
  std::string_view header(std::string_view name) const;
  /// The body where accept() did not say that it goes elsewhere.
  const std::string& text() const { return text_; }
  /// Bytes of the body of this attempt, wherever they went.
  std::size_t body_size() const { return body_size_; }

 private:
  friend class Transfer;
  int status_ = 0;
  std::string block_;  // the header lines as they came
  std::string text_;
  std::size_t body_size_ = 0;
};

/// How soon to try again.
enum class Pace {
  kAtOnce,    ///< the answer said what to do differently
  kBackOff,   ///< the server is in trouble
  kSlowDown,  ///< the server is asked too much
};

/// What an answer means.
struct Verdict {
  enum class Kind { kDone, kRetry, kFail };
  Kind kind = Kind::kDone;
  Pace pace = Pace::kBackOff;
  /// Why it failed, or, of kRetry, with what it fails when no more time is left.
  Error error = {};

  static Verdict done() { return {}; }
  static Verdict retry(Pace pace, Error error) { return {Kind::kRetry, pace, std::move(error)}; }
  static Verdict fail(Error error) { return {Kind::kFail, Pace::kBackOff, std::move(error)}; }
};

class Exchange {
 public:
  virtual ~Exchange() = default;

  /// Fills in `request`, which is empty. An error ends the exchange, one that is retryable only this attempt.
  virtual Result<void> prepare(const Attempt& attempt, Request& request) = 0;

  /// Where the body goes, as status and headers tell: the place of all of it, also where an earlier attempt has
  /// received the beginning. An empty span: Answer::text(). A longer body than that is refused. May be called again,
  /// for a second answer to a hedged request, before judge(): remember nothing here. An error ends the attempt, as in
  /// prepare().
  virtual Result<std::span<std::byte>> accept(const Attempt& /*attempt*/, const Answer& /*head*/) {
    return std::span<std::byte>();
  }

  /// What a whole answer means. Its body is complete, as far as Content-Length tells.
  virtual Verdict judge(const Attempt& attempt, const Answer& answer) = 0;

  /// How long the server may send and take nothing, or next to nothing, before the attempt is given up.
  /// ClientSettings::timeout shortens the usual time, not that of what is known to take longer.
  std::chrono::nanoseconds patience = kUsualPatience;
  bool takes_long() const { return patience > kUsualPatience; }
  /// Megabytes are moved: has larger buffers, and waits behind small ones.
  bool bulk = false;
  /// May be asked twice where the first answer is late: reading, of at most kMostHedged bytes.
  bool hedge = false;

  /// An attempt whose answer was cut is followed by one for the rest.
  bool resumable = false;
  /// Asked, once, even while the store is believed not to answer.
  bool despite_outage = false;

  static constexpr std::chrono::nanoseconds kUsualPatience = std::chrono::seconds(30);
  static constexpr std::size_t kMostSmallRead = std::size_t{1} << 20;
  static constexpr std::size_t kMostHedged = std::size_t{64} << 10;
};

struct Finished {
  Exchange* exchange = nullptr;
  Result<void> result;
};

/// Who asked, and is told.
class Receiver {
 public:
  Receiver();
  virtual ~Receiver() = default;
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Called on a loop thread, for exchanges that the engine has let go of: neither they nor, after the last of them,
  /// this are touched by it again. Must not block.
  virtual void finished(std::span<Finished> some) = 0;

  /// Takes many at a time: the engine may hold back what is finished for up to a millisecond.
  bool in_batches = false;

  std::uint64_t id() const { return id_; }

 private:
  const std::uint64_t id_;
};

}  // namespace scabbard::net
