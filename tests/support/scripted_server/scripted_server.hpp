// An HTTP server in this process that behaves as a small correct S3 (memory_s3.hpp) but where a rule (rule.hpp) says
// otherwise: for failures that real servers will not produce on demand, and for measuring.
//
// One thread, epoll, on loopback. Everything here may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/scripted_server/script.hpp"

namespace scabbard::scripted {

class EventLoop;

struct Settings {
  enum class Endpoint { kAlive, kRefusing };

  std::vector<Endpoint> endpoints = {Endpoint::kAlive};
  std::uint16_t port = 0;                ///< of the first endpoint; 0: a free one
  std::chrono::microseconds delay{0};    ///< between each request and its answer
  std::chrono::seconds clock_offset{0};  ///< of the server's clock from the machine's
  MemoryS3::Settings s3 = {};
  std::vector<Rule> rules = {};
};

class ScriptedServer {
 public:
  /// Listens when it returns. Throws std::system_error where that fails.
  explicit ScriptedServer(Settings settings = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::size_t endpoints() const;
  std::uint16_t port(std::size_t endpoint = 0) const;
  /// "http://127.0.0.1:PORT"
  std::string url(std::size_t endpoint = 0) const;

  MemoryS3& s3() { return script_.s3(); }
  Seen seen() const { return script_.observations().seen(); }
  bool wait_until_stalling(std::size_t count = 1) const { return script_.observations().wait_until_stalling(count); }
  bool wait_until_nothing_stalls() const { return script_.observations().wait_until_nothing_stalls(); }
  bool wait_for_requests(std::uint64_t count) const { return script_.observations().wait_for_requests(count); }

  /// In trouble it answers every request with status 500, whatever its rules say.
  void set_in_trouble(bool is) { script_.set_in_trouble(is); }

  /// Blocks until the server can do nothing but wait for clients; then whether that is still so.
  std::uint64_t wait_until_idle() const;
  bool is_idle_since(std::uint64_t turn) const;

  /// Lets the exchanges that stall now go on; later ones stall anew.
  void release();
  /// A byte more of each answer that trickles now.
  void trickle();

 private:
  Script script_;
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

}  // namespace scabbard::scripted
