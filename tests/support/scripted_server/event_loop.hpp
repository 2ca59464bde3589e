// The thread of the scripted server: sockets, timers, and nothing of HTTP.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/scripted_server/connection.hpp"

namespace scabbard::scripted {

/// A descriptor, closed with this.
class Descriptor {
 public:
  /// Throws std::system_error, which names `what`, where there is none.
  Descriptor(int number, const char* what);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return number_; }

 private:
  int number_;
};

class EventLoop {
 public:
  /// Takes listening sockets; those that do not listen are only kept.
  EventLoop(std::vector<Descriptor> endpoints, Script& script, std::chrono::microseconds delay);

  /// Serves until stop().
  void run();
  /// These three from any thread.
  void stop();
  void release();
  void trickle();

  std::size_t endpoints() const { return endpoints_.size(); }
  int endpoint(std::size_t index) const { return endpoints_.at(index).get(); }

  /// Blocks until nothing is left to do for it but what clients begin, and returns a number that is another one as soon
  /// as it has gone on.
  std::uint64_t wait_until_idle() const;
  /// It has not gone on since, and no client has brought anything.
  bool is_idle_since(std::uint64_t turn) const;

 private:
  using Key = std::uint64_t;
  using Due = std::pair<Connection::Time, Key>;
  struct Client {
    Client(int socket, std::size_t endpoint, Script& script, std::chrono::microseconds delay)
        : connection(socket, endpoint, script, delay) {}
    Connection connection;
    std::uint32_t events = 0;  // that epoll looks for
    bool is_under_way = false;
  };

  void next_turn();
  void count_under_way(Client& client, bool is);
  void watch(int descriptor, Key key, std::uint32_t events, int operation) const;
  void accept_all(std::size_t endpoint);
  void handle(Key key, std::uint32_t events);
  void handle_wake_up();
  void go_on_all(Connection::Waits (Connection::*how)());
  void handle_due();
  void set_timer();
  // What has to be seen to, given what a client waits for.
  void settle(Key key, Client& client, Connection::Waits waits);

  const std::vector<Descriptor> endpoints_;
  Script& script_;
  const std::chrono::microseconds delay_;
  const Descriptor epoll_;
  const Descriptor wake_up_;
  const Descriptor timer_;
  std::atomic<std::uint64_t> turn_ = 1;  // even: idle
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> releasing_ = false;
  std::atomic<bool> trickling_ = false;
  std::unordered_map<Key, std::unique_ptr<Client>> clients_;
  std::size_t under_way_ = 0;  // of the clients
  Key next_key_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  Connection::Time timer_set_to_ = Connection::Time::max();
};

}  // namespace scabbard::scripted
