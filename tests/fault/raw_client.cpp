#include "fault/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace scabbard {

std::string RawAnswer::header(std::string_view name) const {
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos) {
    const std::size_t end = head.find("\r\n", at + 2);
    const std::string line = head.substr(at + 2, end == std::string::npos ? end : end - at - 2);
    const std::size_t colon = line.find(": ");
    if (colon == name.size() && line.compare(0, colon, name) == 0) return line.substr(colon + 2);
    at = end;
  }
  return {};
}

RawClient::RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

RawClient::~RawClient() { ::close(socket_); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) {
      was_reset_ = true;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

Ending RawClient::read_more() {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
  // A reset is told once, to whoever comes first.
  if (count < 0 || (count == 0 && was_reset_)) return Ending::kReset;
  if (count == 0) return Ending::kClosed;
  input_.append(buffer.data(), static_cast<std::size_t>(count));
  return Ending::kOpen;
}

RawAnswer RawClient::read_answer(std::string_view method) {
  RawAnswer answer;
  while (input_.find("\r\n\r\n") == std::string::npos && answer.ending == Ending::kOpen) answer.ending = read_more();
  const std::size_t end = input_.find("\r\n\r\n");
  answer.head = input_.substr(0, end);
  if (end == std::string::npos) return answer;
  input_.erase(0, end + 4);
  answer.status = std::atoi(answer.head.c_str() + std::string_view("HTTP/1.1 ").size());
  const std::size_t length = method == "HEAD" ? 0 : std::strtoull(answer.header("Content-Length").c_str(), nullptr, 10);
  while (input_.size() < length && answer.ending == Ending::kOpen) answer.ending = read_more();
  answer.body = input_.substr(0, length);
  input_.erase(0, length);
  return answer;
}

std::string RawClient::pending() {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) input_.append(buffer.data(), static_cast<std::size_t>(count));
  return std::exchange(input_, {});
}

std::string RawClient::read_rest(std::size_t size) {
  while (input_.size() < size && read_more() == Ending::kOpen) {
  }
  std::string rest = input_.substr(0, size);
  input_.erase(0, size);
  return rest;
}

std::string request_text(std::string_view method, std::string_view target, std::string_view headers,
                         std::string_view body) {
  std::string text(method);
  text += " ";
  text += target;
  text += " HTTP/1.1\r\nHost: localhost\r\n";
  text += headers;
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n";
  text += body;
  return text;
}

RawAnswer RawClient::ask(std::string_view method, std::string_view target, std::string_view headers,
                         std::string_view body) {
  send(request_text(method, target, headers, body));
  return read_answer(method);
}

}  // namespace scabbard
