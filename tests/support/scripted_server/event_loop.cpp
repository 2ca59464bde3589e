#include "support/scripted_server/event_loop.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace scabbard::scripted {
namespace {

// Keys of epoll's events: these two, then the endpoints, then the clients.
constexpr std::uint64_t kWakeUp = 0;
constexpr std::uint64_t kTimer = 1;
constexpr std::uint64_t kFirstEndpoint = 2;
constexpr std::uint64_t kFirstClient = 1 << 10;

bool listens(int socket) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

}  // namespace

Descriptor::Descriptor(int number, const char* what) : number_(number) {
  if (number < 0) throw std::system_error(errno, std::generic_category(), what);
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

EventLoop::EventLoop(std::vector<Descriptor> endpoints, Script& script, std::chrono::microseconds delay)
    : endpoints_(std::move(endpoints)),
      script_(script),
      delay_(delay),
      epoll_(::epoll_create1(EPOLL_CLOEXEC), "epoll"),
      wake_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd"),
      next_key_(kFirstClient) {
  watch(wake_up_.get(), kWakeUp, EPOLLIN, EPOLL_CTL_ADD);
  watch(timer_.get(), kTimer, EPOLLIN, EPOLL_CTL_ADD);
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (listens(endpoint(i))) watch(endpoint(i), kFirstEndpoint + i, EPOLLIN, EPOLL_CTL_ADD);
  }
}

void EventLoop::watch(int descriptor, Key key, std::uint32_t events, int operation) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key;
  ::epoll_ctl(epoll_.get(), operation, descriptor, &event);
}

void EventLoop::run() {
  std::array<epoll_event, 256> events{};
  while (!stopping_) {
    // The rest of a body may lie in the kernel for a while, where nobody sees it.
    const bool idle = due_.empty() && under_way_ == 0;
    if (idle) next_turn();
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (idle) next_turn();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events.at(static_cast<std::size_t>(i));
      handle(event.data.u64, event.events);
    }
    set_timer();
  }
  clients_.clear();
}

void EventLoop::next_turn() {
  ++turn_;
  turn_.notify_all();
}

std::uint64_t EventLoop::wait_until_idle() const {
  for (;;) {
    const std::uint64_t turn = turn_;
    if (turn % 2 == 0) return turn;
    turn_.wait(turn);
  }
}

bool EventLoop::is_idle_since(std::uint64_t turn) const {
  pollfd clients{.fd = epoll_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&clients, 1, 0) == 0 && turn_ == turn;
}

void EventLoop::handle(Key key, std::uint32_t events) {
  if (key == kWakeUp) return handle_wake_up();
  if (key == kTimer) return handle_due();
  if (key < kFirstClient) return accept_all(key - kFirstEndpoint);
  const auto found = clients_.find(key);
  if (found == clients_.end()) return;
  Client& client = *found->second;
  // A peer that goes while nothing is read or written ends a stall, or a delay.
  const bool expected = (events & client.events & (EPOLLIN | EPOLLOUT)) != 0;
  const bool gone = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  settle(key, client, gone && !expected ? Connection::Waits::kEnded : client.connection.go_on());
}

void EventLoop::accept_all(std::size_t endpoint_index) {
  for (;;) {
    const int socket = ::accept4(endpoint(endpoint_index), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const Key key = next_key_++;
    auto client = std::make_unique<Client>(socket, endpoint_index, script_, delay_);
    watch(socket, key, 0, EPOLL_CTL_ADD);
    Client& kept = *clients_.emplace(key, std::move(client)).first->second;
    settle(key, kept, kept.connection.go_on());
  }
}

void EventLoop::count_under_way(Client& client, bool is) {
  if (std::exchange(client.is_under_way, is) == is) return;
  is ? ++under_way_ : --under_way_;
}

void EventLoop::settle(Key key, Client& client, Connection::Waits waits) {
  count_under_way(client, waits != Connection::Waits::kEnded && client.connection.is_under_way());
  std::uint32_t wanted = EPOLLRDHUP;
  switch (waits) {
    case Connection::Waits::kEnded:
      clients_.erase(key);
      return;
    case Connection::Waits::kReadable:
      wanted |= EPOLLIN;
      break;
    case Connection::Waits::kWritable:
      wanted |= EPOLLOUT;
      break;
    case Connection::Waits::kDue:
      due_.emplace(client.connection.due(), key);
      wanted |= EPOLLIN;
      break;
    case Connection::Waits::kReleased:
      break;
  }
  if (wanted == client.events) return;
  client.events = wanted;
  watch(client.connection.socket(), key, wanted, EPOLL_CTL_MOD);
}

void EventLoop::handle_wake_up() {
  eventfd_t count = 0;
  ::eventfd_read(wake_up_.get(), &count);
  if (releasing_.exchange(false)) go_on_all(&Connection::go_on_when_released);
  if (trickling_.exchange(false)) go_on_all(&Connection::trickle);
}

void EventLoop::go_on_all(Connection::Waits (Connection::*how)()) {
  std::vector<Key> keys;
  for (const auto& [key, client] : clients_) keys.push_back(key);
  for (const Key key : keys) {
    Client& client = *clients_.at(key);
    settle(key, client, (client.connection.*how)());
  }
}

void EventLoop::handle_due() {
  std::uint64_t expirations = 0;
  (void)::read(timer_.get(), &expirations, sizeof expirations);
  timer_set_to_ = Connection::Time::max();
  const auto now = std::chrono::steady_clock::now();
  while (!due_.empty() && due_.top().first <= now) {
    const Key key = due_.top().second;
    due_.pop();
    const auto found = clients_.find(key);
    if (found != clients_.end()) settle(key, *found->second, found->second->connection.go_on_when_due());
  }
}

void EventLoop::set_timer() {
  if (due_.empty() || due_.top().first >= timer_set_to_) return;
  timer_set_to_ = due_.top().first;
  const auto since_boot = timer_set_to_.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds(since_boot - seconds).count();
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void EventLoop::stop() {
  stopping_ = true;
  ::eventfd_write(wake_up_.get(), 1);
}

void EventLoop::release() {
  releasing_ = true;
  ::eventfd_write(wake_up_.get(), 1);
}

void EventLoop::trickle() {
  trickling_ = true;
  ::eventfd_write(wake_up_.get(), 1);
}

}  // namespace scabbard::scripted
