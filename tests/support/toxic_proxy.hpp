// toxiproxy between a client and a server on loopback: a network that is slow and loses connections.
//
// Like a ServerProcess it ends with the thread that made it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "support/temporary_folder.hpp"

namespace scabbard {

class ToxicProxy {
 public:
  /// In front of the server on a port. Throws std::runtime_error, with the end of its log, where it does not start.
  explicit ToxicProxy(std::uint16_t server);
  ~ToxicProxy();
  ToxicProxy(const ToxicProxy&) = delete;
  ToxicProxy& operator=(const ToxicProxy&) = delete;

  /// "http://127.0.0.1:PORT"
  std::string url() const { return "http://" + address_; }

  /// Answers come so much later.
  void add_latency(unsigned milliseconds);
  /// Connections are reset as soon as something goes through them, in either direction: a share of those there are,
  /// and of those to come. Said again, other ones are.
  void reset_some(double share);

 private:
  bool start(std::uint16_t server);
  void set_toxic(std::string_view name, std::string_view type, std::string_view stream, double share,
                 std::string_view attributes);
  // The status of a POST, 0 without an answer.
  long post(std::string_view path, std::string_view body, std::string& answer) const;
  [[noreturn]] void fail(std::string_view what) const;

  TemporaryFolder folder_;
  std::uint16_t control_ = 0;
  std::string address_;
  pid_t process_ = -1;
};

}  // namespace scabbard
