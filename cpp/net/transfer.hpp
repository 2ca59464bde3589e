// One attempt on the wire: a libcurl handle with its request and answer.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "net/exchange.hpp"
#include "scabbard/context.hpp"

namespace scabbard::net {

struct ClientSettings;
struct Flight;

/// Belongs to one loop thread; used for one attempt after the other.
class Transfer {
 public:
  /// `now` is the loop's time, kept up to date by it. Nothing where the machine has no memory.
  static std::unique_ptr<Transfer> create(bool bulk, const Clock::Time& now);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Makes the handle ready for `request()` of this attempt. A hedge keeps the body to itself until it has won.
  void set_up(const ClientSettings& settings, Exchange& exchange, Attempt attempt, bool hedge);

  /// To be filled before set_up().
  Request& request() { return request_; }
  CURL* handle() const { return handle_; }
  bool bulk() const { return bulk_; }
  bool is_hedge() const { return hedge_; }
  const Attempt& attempt() const { return attempt_; }
  const Answer& answer() const { return answer_; }
  /// Why our side broke the transfer off.
  const std::optional<Error>& refused() const { return refused_; }
  /// It was broken off, but what has come is enough to judge it: the beginning of an error's endless text.
  bool has_enough() const { return has_enough_; }
  const char* error_text() const { return error_text_.data(); }
  Clock::Time began() const { return began_; }
  Clock::Time last_progress() const { return last_progress_; }
  /// Where the line is slow, what libcurl has sent still leaves the machine: that is progress too.
  void look_at_socket();
  /// Bytes that have reached the exchange's memory. Not those of a text.
  std::size_t placed() const { return !hedge_ && !place_.empty() ? answer_.body_size_ : 0; }
  /// There is room for more.
  bool is_incomplete() const { return placed() < place_.size(); }
  /// The size of the body once all of it has been given to libcurl; until then 0.
  std::uint64_t body_given() const;
  /// It waits for its body source.
  bool rests() const { return rests_; }
  /// Goes on where it rests.
  void resume();
  /// Puts the body of a hedge where the exchange wants it.
  void hand_over();

  Flight* flight = nullptr;

 private:
  Transfer(CURL* handle, bool bulk, const Clock::Time& now);
  void set_headers();
  // So many bytes have passed. A trickle is no progress: with a byte now and then, a call would never end.
  void note_moved(std::size_t bytes);
  std::size_t take_body(const char* data, std::size_t size);
  std::size_t give_body(std::span<std::byte> into);

  static int on_request(void* self, char* remote, char* local, int remote_port, int local_port);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_read(char* into, std::size_t size, std::size_t count, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);

  CURL* const handle_;
  const bool bulk_;
  const Clock::Time& now_;
  Exchange* exchange_ = nullptr;
  Attempt attempt_;
  Request request_;
  std::string url_;
  std::vector<std::string> lines_;  // the headers as they are sent
  std::vector<curl_slist> list_;    // the same for libcurl
  std::uint64_t body_sent_ = 0;
  bool rests_ = false;
  bool is_sent_ = false;
  int unsent_ = 0;  // bytes in the socket, at the last look

  Answer answer_;
  bool hedge_ = false;
  std::optional<std::span<std::byte>> sink_;  // of this attempt, once accept() was called
  std::span<std::byte> place_;                // what accept() said
  std::vector<std::byte> scratch_;            // a hedge's sink
  std::optional<Error> refused_;
  bool has_enough_ = false;
  Clock::Time began_ = {};
  Clock::Time last_progress_ = {};
  std::size_t moved_since_ = 0;  // bytes
  std::array<char, CURL_ERROR_SIZE> error_text_ = {};
};

}  // namespace scabbard::net
