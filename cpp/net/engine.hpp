// The HTTP engine: requests in, completions out.
//
// An Engine owns the threads that move bytes, each with connections of its own. A Client is what one store has of it:
// where the store is, how much may be in flight, what was counted, and whether the store answers at all. Exchanges
// are submitted to a Client and come back, finished, to the Receiver that they were submitted with.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/counters.hpp"
#include "net/endpoint.hpp"
#include "net/exchange.hpp"
#include "scabbard/context.hpp"

namespace scabbard::net {

class Loop;
struct ClientState;

class Engine {
 public:
  struct Settings {
    /// Threads; 0: one for every two processors, 4 at most.
    unsigned loops = 0;
    /// What time limits, back-off and hedging are measured with. Must outlive the engine.
    Clock* clock = &Clock::steady();
  };

  explicit Engine(const Settings& settings);
  /// Joins the threads. Its clients have to have gone.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// The engine of the process, which lives as long as somebody uses it.
  static std::shared_ptr<Engine> process();

 private:
  friend class Client;
  Loop& next_loop();

  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<unsigned> turn_ = 0;
};

struct ClientSettings {
  /// What it is called in errors and warnings.
  std::string name;
  std::vector<Endpoint> endpoints;
  /// Requests in flight to one host, for each of the engine's loops.
  unsigned max_in_flight = 128;
  /// For how long calls ride out that the store does not answer.
  std::chrono::nanoseconds timeout = std::chrono::minutes(5);
  /// Whether calls ride out anything: without, the first failure ends them.
  bool retries = true;
  /// Authorities that certificates are checked against; empty: the system's.
  std::string ca_file;
  /// Where requests go through; empty: directly, whatever the environment says.
  std::string proxy;
  /// Small reads that are late are asked twice.
  bool hedging = true;
  /// A cheap question whose answer shows that an outage is over.
  std::function<std::unique_ptr<Exchange>()> probe;

  /// What `timeout` leaves for an attempt that is not the only one, at each of the endpoints.
  std::chrono::nanoseconds attempt_timeout() const {
    return timeout / (2 * std::max<std::size_t>(endpoints.size(), 1));
  }
};

/// Safe from any thread.
class Client {
 public:
  Client(std::shared_ptr<Engine> engine, ClientSettings settings);
  /// close().
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Never blocks. Every one of them is handed to `receiver` once; at once (before this returns) never.
  void submit(std::span<Exchange* const> exchanges, Receiver& receiver);
  /// What `receiver` waits for ends soon, with kCancelled where it has not ended by itself.
  void cancel(const Receiver& receiver);
  /// The body source of an exchange under way has bytes again.
  void resume(const Exchange& exchange);
  /// Asks, and waits. When the context ends, with its error, the exchange is let go of first.
  Result<void> run(const Context& ctx, Exchange& exchange);
  /// The same for several. The first error, where there is one, is theirs, and the others are let go of.
  Result<void> run_all(const Context& ctx, std::span<Exchange* const> exchanges);
  /// Ends everything with kClosed, and what is submitted from now on.
  void close();

  Endpoints& endpoints();
  const Counters& counters() const;

 private:
  std::shared_ptr<Engine> engine_;
  std::shared_ptr<ClientState> state_;
};

}  // namespace scabbard::net
