// One thread that moves bytes: libcurl's multi interface, driven by epoll.
//
// Everything in here belongs to that thread, but for the inbox.
#pragma once

#include <curl/curl.h>

#include <deque>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "net/engine.hpp"
#include "net/host.hpp"
#include "net/outage.hpp"
#include "net/retry.hpp"
#include "net/transfer.hpp"

namespace scabbard::net {

/// What clients, loops and what is under way share.
struct ClientState {
  explicit ClientState(ClientSettings given);

  const ClientSettings settings;
  Endpoints endpoints;
  Outage outage;
  Counters counters;
  std::atomic<bool> closed = false;
};

/// An exchange on its way, from submit() to the end.
struct Flight {
  Exchange* exchange = nullptr;
  Receiver* receiver = nullptr;  ///< null: a probe, which is the flight's own
  std::unique_ptr<Exchange> probe;
  std::shared_ptr<ClientState> client;

  Attempt attempt;
  std::optional<Clock::Time> first_failure;
  Error last_error;
  bool is_throttled = false;  ///< the server asked to be left alone
  unsigned refusals = 0;      ///< answers that were broken off

  Host* host = nullptr;                                                  ///< while it is queued or on the wire
  Transfer* transfer = nullptr;                                          ///< on the wire
  Transfer* hedge = nullptr;                                             ///< on the wire a second time
  std::optional<std::multimap<Clock::Time, Flight*>::iterator> waiting;  ///< for its next attempt
  std::uint64_t serial = 0;                                              ///< another one for every use
  bool in_use = false;
};

class Loop {
 public:
  explicit Loop(Clock& clock);
  /// Joins the thread.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // From any thread.
  void submit(std::shared_ptr<ClientState> client, std::span<Exchange* const> exchanges, Receiver& receiver);
  void cancel(std::uint64_t receiver);
  void resume(const Exchange& exchange);
  /// `done` counts down when nothing of the client is left.
  void close(std::shared_ptr<ClientState> client, std::latch& done);

 private:
  struct Submit {
    std::shared_ptr<ClientState> client;
    std::vector<Exchange*> exchanges;
    Receiver* receiver;
  };
  struct Cancel {
    std::uint64_t receiver;
  };
  struct Resume {
    const Exchange* exchange;  // which may be gone by now
  };
  struct Close {
    std::shared_ptr<ClientState> client;
    std::latch* done;
  };
  using Message = std::variant<Submit, Cancel, Resume, Close>;

  void post(Message message);
  void run();
  bool take_inbox();
  void handle(Submit& message);
  void handle(Cancel& message);
  void handle(Resume& message);
  void handle(Close& message);

  // The way of a flight.
  void begin(std::shared_ptr<ClientState> client, Exchange* exchange, Receiver* receiver,
             std::unique_ptr<Exchange> probe = nullptr);
  void begin_probe(const std::shared_ptr<ClientState>& client);
  void enqueue(Flight& flight);
  bool start_queued();
  bool start_next(const std::string& origin, Host& host, std::deque<Flight*>& queue);
  void start(Flight& flight, bool hedge);
  void take_ended_transfers();
  void attempt_ended(Transfer& transfer, CURLcode code);
  Verdict verdict_of(Transfer& transfer, CURLcode code);
  Verdict verdict_without_answer(Transfer& transfer, CURLcode code);
  void note_answer(Flight& flight, const Transfer& transfer);
  // `pause`: at least that long.
  void retry(Flight& flight, Pace pace, Error error, Clock::Duration pause = {});
  void start_due_retries();
  void start_due_hedges();
  void break_off_stalled();
  void wake_after_outages();
  void take_off_the_wire(Transfer& transfer);
  void finish(Flight& flight, Result<void> result);
  void abandon(Flight& flight, ErrorCode code, std::string_view why);
  void deliver();

  // libcurl and epoll.
  struct Watch {
    std::uint32_t registered = 0;  // with epoll
    std::uint32_t wanted = 0;      // by libcurl
    bool is_connection = false;    // else one of libcurl's own, which it closes by itself: of a look-up of a name
  };
  void wait();
  void drive_curl();
  std::unique_ptr<Transfer> idle_transfer(bool bulk);
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* of_socket);
  static int on_timer(CURLM* multi, long milliseconds, void* self);
  static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int on_close(void* self, curl_socket_t socket);
  Watch& watch_of(curl_socket_t socket);
  void watch(curl_socket_t socket, std::uint32_t events);

  Clock& clock_;
  CURLM* multi_ = nullptr;
  int poller_ = -1;
  int wake_ = -1;

  std::mutex inbox_mutex_;
  std::vector<Message> inbox_;  // guarded by inbox_mutex_, as the next two
  bool woken_ = false;
  bool stopping_ = false;

  Clock::Time now_ = {};
  std::minstd_rand random_;
  std::deque<Flight> flights_;  // every one there ever was: those not in use are used again
  std::vector<Flight*> unused_;
  std::size_t in_use_ = 0;
  std::map<std::string, Host> hosts_;  // by origin
  std::multimap<Clock::Time, Flight*> waiting_;
  struct HedgeCheck {
    Flight* flight;
    std::uint64_t serial;
    unsigned attempt;
  };
  std::multimap<Clock::Time, HedgeCheck> hedge_checks_;  // by when they are due
  double hedge_allowance_ = 0;
  std::uint64_t outages_seen_ = 0;
  std::unordered_map<Transfer*, std::unique_ptr<Transfer>> on_the_wire_;
  std::vector<std::unique_ptr<Transfer>> idle_small_;
  std::vector<std::unique_ptr<Transfer>> idle_bulk_;
  Clock::Time next_stall_check_ = {};

  struct ToDeliver {
    Receiver* receiver;
    Finished finished;
  };
  std::vector<ToDeliver> to_deliver_;
  bool deliver_at_once_ = false;
  std::chrono::steady_clock::time_point held_since_;

  std::vector<Watch> watches_;  // by descriptor
  std::optional<std::chrono::steady_clock::time_point> curl_timer_;

  std::thread thread_;
};

}  // namespace scabbard::net
