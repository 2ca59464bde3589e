// A client that sends what it is told to and takes what comes: for testing a server, faults and all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace scabbard {

/// How a connection stands after reading from it.
enum class Ending {
  kOpen,    ///< a whole answer came
  kClosed,  ///< the peer ended it in order
  kReset,   ///< the peer reset it
};

struct RawAnswer {
  int status = 0;    ///< 0 where not even the status line came whole
  std::string head;  ///< as far as it came
  std::string body;  ///< as far as it came
  Ending ending = Ending::kOpen;

  /// The value of a header; empty where there is none.
  std::string header(std::string_view name) const;
};

/// A connection to loopback.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool is_connected() const { return connected_; }
  /// Sends what fits; false where the peer has gone.
  bool send(std::string_view bytes);
  /// Reads one answer, to its end by Content-Length or to the connection's.
  RawAnswer read_answer(std::string_view method = "GET");
  /// What has come and was not read yet, without waiting.
  std::string pending();

  /// Waits for so many bytes more.
  std::string read_rest(std::size_t size);

  /// Sends a request with the headers ("Name: value\r\n" each) and body, and reads its answer.
  RawAnswer ask(std::string_view method, std::string_view target, std::string_view headers = {},
                std::string_view body = {});

 private:
  Ending read_more();

  int socket_ = -1;
  bool connected_ = false;
  bool was_reset_ = false;
  std::string input_;
};

/// The text of a request.
std::string request_text(std::string_view method, std::string_view target, std::string_view headers = {},
                         std::string_view body = {});

}  // namespace scabbard
