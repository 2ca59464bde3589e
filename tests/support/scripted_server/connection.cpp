#include "support/scripted_server/connection.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "support/scripted_server/s3_response.hpp"

namespace scabbard::scripted {
namespace {

constexpr std::size_t kReadAtOnce = 16 << 10;
constexpr std::size_t kDiscardAtOnce = 1 << 20;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

Connection::Connection(int socket, std::size_t endpoint, Script& script, std::chrono::microseconds delay)
    : socket_(socket), endpoint_(endpoint), script_(script), delay_(delay), plan_(script.plan_connection(endpoint)) {
  if (plan_.rule != nullptr) interruption_ = plan_.rule->interruption;
}

Connection::~Connection() {
  if (is_stalled_) script_.observations().change_stalling(-1);
  ::close(socket_);
}

Connection::Waits Connection::go_on() {
  if (is_stalled_) return Waits::kReleased;
  if (interrupted_in(Phase::kAccept)) return interrupt();
  for (;;) {
    if (const auto waits = step()) return *waits;
  }
}

Connection::Waits Connection::go_on_when_due() {
  if (state_ == State::kDelayed) state_ = State::kSending;
  return go_on();
}

Connection::Waits Connection::go_on_when_released() {
  if (is_stalled_) {
    is_stalled_ = false;
    script_.observations().change_stalling(-1);
    interruption_.reset();
  }
  return go_on();
}

Connection::Waits Connection::trickle() {
  if (!is_stalled_ || interruption_->how != Interruption::How::kTrickle) return go_on();
  if (sent_ == answer_size()) return go_on_when_released();
  const ssize_t sent = send_run(sent_ + 1);
  if (sent < 0 && !would_block()) return Waits::kEnded;
  if (sent > 0) ++sent_;
  return Waits::kReleased;
}

std::optional<Connection::Waits> Connection::step() {
  switch (state_) {
    case State::kHead:
      return read_head();
    case State::kBody:
      return read_body();
    case State::kAnswer:
      return make_answer();
    case State::kDelayed:
      return Waits::kDue;
    case State::kSending:
      return send_answer();
  }
  return Waits::kEnded;
}

std::uint64_t Connection::limit(Phase phase, std::uint64_t size) const {
  if (!interrupted_in(phase)) return size;
  if (!interruption_->fraction) return std::min(interruption_->after, size);
  return static_cast<std::uint64_t>(static_cast<double>(size) * *interruption_->fraction);
}

std::optional<Connection::Waits> Connection::read_head() {
  const std::size_t end = input_.find(kHeadEnd);
  if (end != std::string::npos) {
    begin_request(std::string_view(input_).substr(0, end));
    input_.erase(0, end + kHeadEnd.size());
    if (interrupted_in(Phase::kRequestHead)) return interrupt();
    return std::nullopt;
  }
  std::array<char, kReadAtOnce> fresh;
  const ssize_t count = ::recv(socket_, fresh.data(), fresh.size(), 0);
  if (count < 0 && would_block()) return Waits::kReadable;
  if (count <= 0) return Waits::kEnded;
  input_.append(fresh.data(), static_cast<std::size_t>(count));
  return std::nullopt;
}

void Connection::begin_request(std::string_view head) {
  auto parsed = parse_head(head);
  refused_ = !parsed;
  request_ = parsed ? std::move(*parsed) : Request();
  plan_ = refused_ ? Plan() : script_.plan_request(request_, endpoint_);
  interruption_ = plan_.rule == nullptr ? std::nullopt : plan_.rule->interruption;
  body_read_ = 0;
  state_ = State::kBody;
  if (request_.header("expect") == "100-continue" && !interrupted_in(Phase::kRequestHead)) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    (void)::send(socket_, kContinue.data(), kContinue.size(), MSG_NOSIGNAL);
  }
}

std::optional<Connection::Waits> Connection::read_body() {
  const std::uint64_t end = limit(Phase::kRequestBody, request_.body_size);
  const bool keeps = !script_.s3().settings().discard || request_.method != "PUT";
  if (keeps && request_.body.size() < request_.body_size) request_.body.resize(request_.body_size);
  if (body_read_ == end) {
    if (interrupted_in(Phase::kRequestBody)) return interrupt();
    state_ = State::kAnswer;
    return std::nullopt;
  }
  if (!input_.empty()) {
    const std::size_t count = std::min<std::uint64_t>(input_.size(), end - body_read_);
    if (keeps) input_.copy(request_.body.data() + body_read_, count);
    input_.erase(0, count);
    body_read_ += count;
    return std::nullopt;
  }
  // With MSG_TRUNC the kernel throws the bytes away without copying them.
  const std::size_t most = std::min<std::uint64_t>(keeps ? end : kDiscardAtOnce, end - body_read_);
  const ssize_t count =
      ::recv(socket_, keeps ? request_.body.data() + body_read_ : nullptr, most, keeps ? 0 : MSG_TRUNC);
  if (count < 0 && would_block()) return Waits::kReadable;
  if (count <= 0) return Waits::kEnded;
  body_read_ += static_cast<std::uint64_t>(count);
  return std::nullopt;
}

std::optional<Connection::Waits> Connection::make_answer() {
  response_ = refused_ ? error_response(400, "BadRequest", "The scripted server could not read this request")
                       : script_.answer(plan_, request_);
  request_.body = {};
  head_ = head_of(response_);
  sent_ = 0;
  const std::chrono::microseconds delay =
      delay_ + (plan_.rule == nullptr ? std::chrono::microseconds(0) : plan_.rule->delay);
  state_ = State::kSending;
  if (delay.count() == 0) return std::nullopt;
  state_ = State::kDelayed;
  due_ = std::chrono::steady_clock::now() + delay;
  return Waits::kDue;
}

std::uint64_t Connection::answer_limit() const {
  const std::uint64_t head = limit(Phase::kAnswerHead, head_.size());
  if (interrupted_in(Phase::kAnswerHead)) return head;
  return head + (response_.without_body ? 0 : limit(Phase::kAnswerBody, response_.size));
}

// Sends what is left of the head with the body's next run, up to `end`.
ssize_t Connection::send_run(std::uint64_t end) {
  std::array<iovec, 2> pieces{};
  std::size_t count = 0;
  std::uint64_t at = sent_;
  const auto add = [&](std::string_view run) {
    run = run.substr(0, end - at);
    pieces.at(count++) = {.iov_base = const_cast<char*>(run.data()), .iov_len = run.size()};
    at += run.size();
  };
  if (at < head_.size()) add(std::string_view(head_).substr(at));
  if (at < end) add(response_.content.run(response_.offset + (at - head_.size())));
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  return ::sendmsg(socket_, &message, MSG_NOSIGNAL);
}

std::optional<Connection::Waits> Connection::send_answer() {
  const std::uint64_t end = answer_limit();
  if (sent_ == end) {
    if (interrupted_in(Phase::kAnswerHead) || interrupted_in(Phase::kAnswerBody)) return interrupt();
    return end_exchange();
  }
  const ssize_t sent = send_run(end);
  if (sent < 0) return would_block() ? Waits::kWritable : Waits::kEnded;
  sent_ += static_cast<std::uint64_t>(sent);
  return std::nullopt;
}

std::optional<Connection::Waits> Connection::end_exchange() {
  state_ = State::kHead;
  const bool closes =
      refused_ || (plan_.rule != nullptr && plan_.rule->close) || request_.header("connection") == "close";
  if (closes) return Waits::kEnded;
  return std::nullopt;
}

Connection::Waits Connection::interrupt() {
  if (interruption_->how == Interruption::How::kStall || interruption_->how == Interruption::How::kTrickle) {
    is_stalled_ = true;
    script_.observations().change_stalling(1);
    return Waits::kReleased;
  }
  if (interruption_->how == Interruption::How::kReset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  return Waits::kEnded;
}

}  // namespace scabbard::scripted
