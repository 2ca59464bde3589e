// One connection of the scripted server: requests in, answers out, interrupted where the script says so.
//
// Never blocks. Belongs to the server's thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/scripted_server/script.hpp"

namespace scabbard::scripted {

class Connection {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// What has to happen before it goes on.
  enum class Waits { kReadable, kWritable, kDue, kReleased, kEnded };

  /// Takes the socket over. Each answer is sent `delay` after its request.
  Connection(int socket, std::size_t endpoint, Script& script, std::chrono::microseconds delay);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }
  /// When the answer may be sent, where it waits for that.
  Time due() const { return due_; }

  /// A request has come in part, or its answer has not gone out: it goes on by itself, unless it stalls.
  bool is_under_way() const { return !is_stalled_ && (state_ != State::kHead || !input_.empty()); }

  /// Goes on as far as it can.
  Waits go_on();
  /// The same, where it waited for its time or its release.
  Waits go_on_when_due();
  Waits go_on_when_released();
  /// A byte more, where its answer trickles.
  Waits trickle();

 private:
  enum class State { kHead, kBody, kAnswer, kDelayed, kSending };

  // Each does one step; nothing where the next one can follow at once.
  std::optional<Waits> step();
  std::optional<Waits> read_head();
  std::optional<Waits> read_body();
  std::optional<Waits> make_answer();
  std::optional<Waits> send_answer();
  std::optional<Waits> end_exchange();
  Waits interrupt();
  ssize_t send_run(std::uint64_t end);

  void begin_request(std::string_view head);
  // How many bytes of a thing of `size` may pass in a phase before its interruption, if there is one.
  std::uint64_t limit(Phase phase, std::uint64_t size) const;
  bool interrupted_in(Phase phase) const { return interruption_ && interruption_->where == phase; }
  std::uint64_t answer_limit() const;
  std::uint64_t answer_size() const { return head_.size() + (response_.without_body ? 0 : response_.size); }

  const int socket_;
  const std::size_t endpoint_;
  Script& script_;
  const std::chrono::microseconds delay_;

  State state_ = State::kHead;
  std::string input_;  // not yet consumed
  Request request_;
  std::uint64_t body_read_ = 0;
  Plan plan_;
  std::optional<Interruption> interruption_;  // still to come
  bool is_stalled_ = false;
  bool refused_ = false;  // the request could not be read: answered, then closed
  Time due_;
  Response response_;
  std::string head_;
  std::uint64_t sent_ = 0;  // of head and body together
};

}  // namespace scabbard::scripted
