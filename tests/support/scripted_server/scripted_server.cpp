#include "support/scripted_server/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <system_error>

#include "support/scripted_server/event_loop.hpp"

namespace scabbard::scripted {
namespace {

// So small that an upload stalls at the server and not in the kernel's buffers.
constexpr int kSmallReceiveBuffer = 64 << 10;

Descriptor open_endpoint(Settings::Endpoint kind, std::uint16_t port, bool small_buffer) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (small_buffer) ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kSmallReceiveBuffer, sizeof kSmallReceiveBuffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      (kind == Settings::Endpoint::kAlive && ::listen(socket.get(), SOMAXCONN) != 0)) {
    throw std::system_error(errno, std::generic_category(), "cannot listen on port " + std::to_string(port));
  }
  return socket;
}

std::unique_ptr<EventLoop> make_loop(const Settings& settings, Script& script) {
  std::vector<Descriptor> endpoints;
  for (const auto kind : settings.endpoints) {
    endpoints.push_back(open_endpoint(kind, endpoints.empty() ? settings.port : 0, script.stalls_uploads()));
  }
  return std::make_unique<EventLoop>(std::move(endpoints), script, settings.delay);
}

}  // namespace

ScriptedServer::ScriptedServer(Settings settings)
    : script_(std::move(settings.rules), std::move(settings.s3), settings.clock_offset),
      loop_(make_loop(settings, script_)),
      thread_([this] {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
        loop_->run();
      }) {}

ScriptedServer::~ScriptedServer() {
  loop_->stop();
  thread_.join();
}

std::size_t ScriptedServer::endpoints() const { return loop_->endpoints(); }

std::uint16_t ScriptedServer::port(std::size_t endpoint) const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(loop_->endpoint(endpoint), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::string ScriptedServer::url(std::size_t endpoint) const {
  return "http://127.0.0.1:" + std::to_string(port(endpoint));
}

std::uint64_t ScriptedServer::wait_until_idle() const { return loop_->wait_until_idle(); }

bool ScriptedServer::is_idle_since(std::uint64_t turn) const { return loop_->is_idle_since(turn); }

void ScriptedServer::release() { loop_->release(); }

void ScriptedServer::trickle() {
  if (script_.trickles()) loop_->trickle();
}

}  // namespace scabbard::scripted
