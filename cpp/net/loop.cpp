#include "net/loop.hpp"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.hpp"
#include "base/numbers.hpp"
#include "base/quantities.hpp"
#include "base/signals_blocked.hpp"
#include "base/text.hpp"

namespace scabbard::net {
namespace {

// Connections that are kept for the next request. libcurl's own default shrinks as transfers end.
constexpr long kMostConnections = 1024;
constexpr std::size_t kMostIdleTransfers = 512;
constexpr auto kBetweenStallChecks = std::chrono::milliseconds(250);
constexpr std::uint64_t kSlowestArrival = std::uint64_t{1} << 20;  // bytes in a second
constexpr auto kQuiet = std::chrono::seconds(1);
// Who takes its results in batches gets them in batches: handing over costs a thread a switch.
constexpr std::size_t kFullBatch = 64;
constexpr auto kLongestHold = std::chrono::milliseconds(1);
// At most that share of requests is asked twice, and that many of them at a time.
constexpr double kHedgeShare = 0.05;
constexpr double kMostHedgesAtOnce = 8;
constexpr std::uint64_t kLatenciesBeforeHedging = 200;
// While fewer are known. A proof for a block is no more than some hundred reads, and late after some seconds.
constexpr auto kLateWithoutLatencies = std::chrono::milliseconds(500);
// An answer that our side refused may have been a mishap. One that comes again and again is what the server means.
constexpr unsigned kMostRefused = 4;
constexpr auto kMostRetryAfter = std::chrono::minutes(1);

// Of all stores: raised when one answers again.
std::atomic<std::uint64_t> outages_ended = 0;

void initialize_libraries() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Threads may still be at work when the host's process ends: OpenSSL must not tidy up under them.
    ::OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
    ::curl_global_init(CURL_GLOBAL_DEFAULT);
  });
}

std::string with_history(const Error& last, unsigned attempts, Clock::Duration over) {
  if (attempts <= 1) return last.message;
  return fmt::format("{} (tried {} times in {})", last.message, attempts,
                     human_duration(std::chrono::duration_cast<std::chrono::seconds>(over)));
}

// Whether the server is known to need long for an answer.
Clock::Duration patience_with(const Transfer& transfer) {
  const Flight& flight = *transfer.flight;
  if (flight.exchange->takes_long()) return flight.exchange->patience;
  // What has been given to libcurl may still be on its way, and has to be put away before there is an answer.
  const auto arriving = std::chrono::seconds(transfer.body_given() / kSlowestArrival);
  return arriving + std::min(flight.exchange->patience, flight.client->settings.attempt_timeout());
}

// That something is missing is an answer like others, and an end of ours says nothing of the server.
bool is_failure(ErrorCode code) {
  return code != ErrorCode::kNotFound && code != ErrorCode::kCancelled && code != ErrorCode::kClosed;
}

std::string silence(const Transfer& transfer, Clock::Time now) {
  return fmt::format("{} has neither sent nor taken anything for {}", transfer.attempt().endpoint->origin,
                     human_duration(std::chrono::duration_cast<std::chrono::seconds>(now - transfer.last_progress())));
}

// How long the server wants to be left alone.
Clock::Duration retry_after(const Answer& answer) {
  auto seconds = whole_number<unsigned>(answer.header("retry-after"));
  return std::min<Clock::Duration>(std::chrono::seconds(seconds.value_or(0)), kMostRetryAfter);
}

}  // namespace

ClientState::ClientState(ClientSettings given)
    : settings(std::move(given)), endpoints(settings.endpoints), outage(settings.timeout) {}

Loop::Loop(Clock& clock) : clock_(clock), random_(std::random_device()()) {
  initialize_libraries();
  poller_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_}};
  ::epoll_ctl(poller_, EPOLL_CTL_ADD, wake_, &event);
  multi_ = ::curl_multi_init();
  ::curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMostConnections);
  ::curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Loop::on_socket);
  ::curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  ::curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Loop::on_timer);
  ::curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Loop::~Loop() {
  {
    std::lock_guard lock(inbox_mutex_);
    stopping_ = true;
    ::eventfd_write(wake_, 1);
  }
  thread_.join();
  idle_small_.clear();
  idle_bulk_.clear();
  ::curl_multi_cleanup(multi_);
  ::close(wake_);
  ::close(poller_);
}

void Loop::submit(std::shared_ptr<ClientState> client, std::span<Exchange* const> exchanges, Receiver& receiver) {
  post(Submit{std::move(client), {exchanges.begin(), exchanges.end()}, &receiver});
}

void Loop::cancel(std::uint64_t receiver) { post(Cancel{receiver}); }

void Loop::resume(const Exchange& exchange) { post(Resume{&exchange}); }

void Loop::close(std::shared_ptr<ClientState> client, std::latch& done) { post(Close{std::move(client), &done}); }

void Loop::post(Message message) {
  std::lock_guard lock(inbox_mutex_);
  inbox_.push_back(std::move(message));
  if (!std::exchange(woken_, true)) ::eventfd_write(wake_, 1);
}

void Loop::run() {
  while (true) {
    now_ = clock_.now();
    if (!take_inbox()) return;
    wake_after_outages();
    start_due_retries();
    start_due_hedges();
    break_off_stalled();
    // What ends makes room for what is queued.
    do {
      drive_curl();
      take_ended_transfers();
    } while (start_queued());
    deliver();
    wait();
  }
}

// False when the loop is to end.
bool Loop::take_inbox() {
  std::vector<Message> messages;
  {
    std::lock_guard lock(inbox_mutex_);
    messages.swap(inbox_);
    if (std::exchange(woken_, false) || stopping_) {
      eventfd_t count = 0;
      ::eventfd_read(wake_, &count);
    }
    if (messages.empty() && stopping_) return false;
  }
  for (Message& message : messages) {
    std::visit([this](auto& known) { handle(known); }, message);
  }
  return true;
}

void Loop::handle(Submit& message) {
  for (Exchange* exchange : message.exchanges) begin(message.client, exchange, message.receiver);
}

void Loop::handle(Cancel& message) {
  for (Flight& flight : flights_) {
    if (!flight.in_use || flight.receiver == nullptr || flight.receiver->id() != message.receiver) continue;
    abandon(flight, ErrorCode::kCancelled, to_string(ErrorCode::kCancelled));
  }
}

void Loop::handle(Resume& message) {
  for (const auto& [transfer, owner] : on_the_wire_) {
    if (transfer->flight->exchange == message.exchange) transfer->resume();
  }
}

void Loop::handle(Close& message) {
  for (Flight& flight : flights_) {
    if (flight.in_use && flight.client == message.client) abandon(flight, ErrorCode::kClosed, "the store is closed");
  }
  deliver_at_once_ = true;
  deliver();
  message.done->count_down();
}

void Loop::begin(std::shared_ptr<ClientState> client, Exchange* exchange, Receiver* receiver,
                 std::unique_ptr<Exchange> probe) {
  if (unused_.empty()) unused_.push_back(&flights_.emplace_back());
  Flight& flight = *unused_.back();
  unused_.pop_back();
  flight.in_use = true;
  ++in_use_;
  ++flight.serial;
  flight.exchange = exchange;
  flight.receiver = receiver;
  flight.probe = std::move(probe);
  flight.client = std::move(client);
  flight.attempt = {.endpoint = nullptr, .number = 0};
  flight.first_failure.reset();
  flight.is_throttled = false;
  flight.refusals = 0;
  flight.client->counters.requests.fetch_add(1, std::memory_order_relaxed);
  if (flight.client->closed) return abandon(flight, ErrorCode::kClosed, "the store is closed");
  if (receiver != nullptr && !exchange->despite_outage && flight.client->outage.given_up(now_)) {
    begin_probe(flight.client);
    return finish(flight, fail(ErrorCode::kUnavailable,
                               fmt::format("the store has not answered for long: {}", flight.client->outage.reason())));
  }
  enqueue(flight);
}

void Loop::begin_probe(const std::shared_ptr<ClientState>& client) {
  if (!client->settings.probe || !client->outage.begin_probe(now_)) return;
  auto probe = client->settings.probe();
  Exchange* exchange = probe.get();
  begin(client, exchange, nullptr, std::move(probe));
}

void Loop::enqueue(Flight& flight) {
  flight.attempt.endpoint = flight.client->endpoints.current();
  flight.host = &hosts_[flight.attempt.endpoint->origin];
  (flight.exchange->bulk ? flight.host->bulk : flight.host->small).push_back(&flight);
}

// Whether anything was started.
bool Loop::start_queued() {
  bool started = false;
  for (auto& [origin, host] : hosts_) {
    while (start_next(origin, host, host.small)) started = true;
    while (start_next(origin, host, host.bulk)) started = true;
  }
  return started;
}

// False where nothing waits, or there is no room for it.
bool Loop::start_next(const std::string& origin, Host& host, std::deque<Flight*>& queue) {
  if (queue.empty()) return false;
  Flight& flight = *queue.front();
  if (!host.limit.has_room(flight.client->settings.max_in_flight)) return false;
  queue.pop_front();
  flight.host = nullptr;
  auto endpoint = flight.client->endpoints.current();
  if (endpoint->origin != origin) {  // meanwhile another one is asked
    enqueue(flight);
    return true;
  }
  flight.attempt.endpoint = std::move(endpoint);
  ++flight.attempt.number;
  start(flight, false);
  return true;
}

void Loop::start(Flight& flight, bool hedge) {
  auto transfer = idle_transfer(flight.exchange->bulk);
  if (!transfer && hedge) return;
  if (!transfer) return finish(flight, fail(ErrorCode::kInternal, "out of memory"));
  Attempt attempt = flight.attempt;
  if (hedge) attempt.received = 0;
  transfer->request() = {};
  if (auto ready = flight.exchange->prepare(attempt, transfer->request()); !ready) {
    Error error = std::move(ready).error();
    if (hedge) return;
    if (error.retryable) return retry(flight, Pace::kBackOff, std::move(error));
    return finish(flight, fail(std::move(error)));
  }
  transfer->set_up(flight.client->settings, *flight.exchange, attempt, hedge);
  transfer->flight = &flight;
  (hedge ? flight.hedge : flight.transfer) = transfer.get();
  flight.host = &hosts_[attempt.endpoint->origin];
  flight.host->limit.started();
  Counters& counters = flight.client->counters;
  counters.attempts.fetch_add(1, std::memory_order_relaxed);
  if (!hedge && attempt.number > 1) counters.retries.fetch_add(1, std::memory_order_relaxed);
  if (hedge) counters.hedges_issued.fetch_add(1, std::memory_order_relaxed);
  if (!hedge && flight.exchange->hedge && flight.client->settings.hedging) {
    const Latencies latencies = counters.latency.now();
    const bool are_enough = latencies.count() >= kLatenciesBeforeHedging;
    const Clock::Duration late = are_enough ? latencies.quantile(0.95) : kLateWithoutLatencies;
    hedge_checks_.emplace(now_ + late, HedgeCheck{&flight, flight.serial, attempt.number});
  }
  CURL* handle = transfer->handle();
  Transfer* key = transfer.get();
  on_the_wire_.emplace(key, std::move(transfer));
  ::curl_multi_add_handle(multi_, handle);
}

void Loop::drive_curl() {
  int running = 0;
  // Transfers that were added set the timer to now.
  while (curl_timer_ && *curl_timer_ <= std::chrono::steady_clock::now()) {
    curl_timer_.reset();
    ::curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    // It counts in whole milliseconds, cut off, and does not tell a time twice: if it was early, nothing was done.
    long left = -1;
    if (!curl_timer_ && ::curl_multi_timeout(multi_, &left) == CURLM_OK && left >= 0) {
      on_timer(multi_, std::max(left, 1L), this);
    }
  }
}

void Loop::take_ended_transfers() {
  int left = 0;
  while (CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* transfer = nullptr;
    ::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    attempt_ended(*reinterpret_cast<Transfer*>(transfer), message->data.result);
  }
}

void Loop::attempt_ended(Transfer& transfer, CURLcode code) {
  Flight& flight = *transfer.flight;
  Transfer* other = transfer.is_hedge() ? flight.transfer : flight.hedge;
  const bool is_answer = code == CURLE_OK && transfer.answer().status() / 100 == 2;
  if (other != nullptr && is_answer) {
    // The other one may be writing to the same place.
    take_off_the_wire(*other);
    other = nullptr;
    if (transfer.is_hedge()) flight.client->counters.hedges_won.fetch_add(1, std::memory_order_relaxed);
  }
  if (other != nullptr) return take_off_the_wire(transfer);  // the other one may still do better
  if (is_answer) transfer.hand_over();
  Verdict verdict = verdict_of(transfer, code);
  const Clock::Duration pause = retry_after(transfer.answer());
  take_off_the_wire(transfer);
  switch (verdict.kind) {
    case Verdict::Kind::kDone:
      return finish(flight, {});
    case Verdict::Kind::kFail:
      return finish(flight, fail(std::move(verdict.error)));
    case Verdict::Kind::kRetry:
      return retry(flight, verdict.pace, std::move(verdict.error), pause);
  }
}

Verdict Loop::verdict_of(Transfer& transfer, CURLcode code) {
  Flight& flight = *transfer.flight;
  Counters& counters = flight.client->counters;
  curl_off_t sent = 0;
  long connections = 0;
  ::curl_easy_getinfo(transfer.handle(), CURLINFO_SIZE_UPLOAD_T, &sent);
  ::curl_easy_getinfo(transfer.handle(), CURLINFO_NUM_CONNECTS, &connections);
  counters.bytes_sent.fetch_add(static_cast<std::uint64_t>(sent), std::memory_order_relaxed);
  counters.bytes_received.fetch_add(transfer.answer().body_size(), std::memory_order_relaxed);
  counters.connections_opened.fetch_add(static_cast<std::uint64_t>(connections), std::memory_order_relaxed);
  flight.attempt.may_have_arrived |= transfer.attempt().may_have_arrived;
  if (code != CURLE_OK && !transfer.has_enough()) return verdict_without_answer(transfer, code);
  Verdict verdict = flight.exchange->judge(transfer.attempt(), transfer.answer());
  note_answer(flight, transfer);
  if (verdict.kind == Verdict::Kind::kRetry && verdict.pace == Pace::kSlowDown) {
    counters.throttles.fetch_add(1, std::memory_order_relaxed);
    flight.host->limit.slow_down(now_);
  }
  return verdict;
}

Verdict Loop::verdict_without_answer(Transfer& transfer, CURLcode code) {
  Flight& flight = *transfer.flight;
  if (transfer.refused()) {
    const Error& error = *transfer.refused();
    const bool is_final = !error.retryable || ++flight.refusals >= kMostRefused;
    return is_final ? Verdict::fail(error) : Verdict::retry(Pace::kBackOff, error);
  }
  long bytes_sent = 0;
  ::curl_easy_getinfo(transfer.handle(), CURLINFO_REQUEST_SIZE, &bytes_sent);
  const bool was_silent = code == CURLE_OPERATION_TIMEDOUT && bytes_sent > 0;
  Failure failure = failure_of(code, was_silent ? silence(transfer, now_) : transfer.error_text(), bytes_sent > 0);
  flight.attempt.may_have_arrived |= failure.may_have_arrived;
  if (!failure.retry) return Verdict::fail(std::move(failure.error));
  if (flight.exchange->resumable && transfer.placed() > 0 && transfer.is_incomplete()) {
    // The body was cut: the next attempt begins where it ended.
    flight.attempt.received += transfer.placed();
    return Verdict::retry(Pace::kAtOnce, std::move(failure.error));
  }
  // The time that it was waited for in vain counts.
  if (!flight.first_failure && !flight.exchange->takes_long()) flight.first_failure = transfer.last_progress();
  flight.client->endpoints.failed(transfer.attempt().endpoint);
  flight.client->outage.failed(now_, failure.error.message);
  return Verdict::retry(Pace::kBackOff, std::move(failure.error));
}

// What an answer says about the server, whatever it was about.
void Loop::note_answer(Flight& flight, const Transfer& transfer) {
  ClientState& client = *flight.client;
  client.counters.latency.add(now_ - transfer.began());
  hedge_allowance_ = std::min(kMostHedgesAtOnce, hedge_allowance_ + kHedgeShare);
  int status = transfer.answer().status();
  if (retry_pace(status)) {
    client.outage.failed(now_, fmt::format("status {}", status));
    if (status >= 500) client.endpoints.failed(transfer.attempt().endpoint);
    flight.attempt.may_have_arrived = true;
    return;
  }
  flight.host->limit.succeeded();
  flight.host->retries.succeeded();
  if (!client.outage.answered()) return;
  if (client.outage.end_notice()) log::warn("store {}: answers again", client.settings.name);
  outages_ended.fetch_add(1, std::memory_order_relaxed);
}

void Loop::retry(Flight& flight, Pace pace, Error error, Clock::Duration pause) {
  ClientState& client = *flight.client;
  if (!flight.first_failure) flight.first_failure = now_;
  flight.is_throttled = pace == Pace::kSlowDown;
  flight.last_error = std::move(error);
  Clock::Time give_up = *flight.first_failure + client.settings.timeout;
  if (auto outage_ends = client.outage.gives_up_at(now_)) give_up = std::min(give_up, *outage_ends);
  const bool is_probe = flight.receiver == nullptr;
  if (is_probe || !client.settings.retries || now_ >= give_up) {
    Error last = flight.last_error;
    last.message = with_history(last, flight.attempt.number, now_ - *flight.first_failure);
    return finish(flight, fail(std::move(last)));
  }
  Clock::Time due = now_ + std::max(pause, back_off(pace, flight.attempt.number, random_));
  Host& host = hosts_[client.endpoints.current()->origin];
  due = std::min(std::max(due, host.retries.take(now_)), give_up);
  log::debug("store {}: {}; attempt {} follows in {} ms", client.settings.name, flight.last_error.message,
             flight.attempt.number + 1, std::chrono::duration_cast<std::chrono::milliseconds>(due - now_).count());
  if (client.outage.begin_notice(due)) {
    log::warn("store {}: does not answer: {}; it is asked again for {}", client.settings.name,
              flight.last_error.message,
              human_duration(std::chrono::duration_cast<std::chrono::seconds>(client.settings.timeout)));
  }
  flight.waiting = waiting_.emplace(due, &flight);
}

void Loop::start_due_retries() {
  while (!waiting_.empty() && waiting_.begin()->first <= now_) {
    Flight& flight = *waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    flight.waiting.reset();
    const bool out_of_time = now_ >= *flight.first_failure + flight.client->settings.timeout;
    if (out_of_time || flight.client->outage.given_up(now_)) {
      retry(flight, Pace::kAtOnce, std::move(flight.last_error));  // which finds the time used up
    } else {
      enqueue(flight);
    }
  }
}

// A store answers again, as this loop or another one has seen: what waits for it need not wait longer. What was asked
// to slow down does.
void Loop::wake_after_outages() {
  const std::uint64_t ended = outages_ended.load(std::memory_order_relaxed);
  if (std::exchange(outages_seen_, ended) == ended) return;
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    auto here = next++;
    Flight& flight = *here->second;
    if (flight.is_throttled || flight.client->outage.gives_up_at(now_)) continue;
    waiting_.erase(here);
    flight.waiting.reset();
    enqueue(flight);
  }
}

void Loop::start_due_hedges() {
  while (!hedge_checks_.empty() && hedge_checks_.begin()->first <= now_) {
    const HedgeCheck check = hedge_checks_.begin()->second;
    hedge_checks_.erase(hedge_checks_.begin());
    Flight& flight = *check.flight;
    const bool is_late = flight.in_use && flight.serial == check.serial && flight.attempt.number == check.attempt &&
                         flight.transfer != nullptr && flight.hedge == nullptr && flight.transfer->placed() == 0;
    if (!is_late || hedge_allowance_ < 1 || flight.host->limit.is_throttled(now_)) continue;
    hedge_allowance_ -= 1;
    start(flight, true);
  }
}

void Loop::break_off_stalled() {
  if (on_the_wire_.empty() || now_ < next_stall_check_) return;
  next_stall_check_ = now_ + kBetweenStallChecks;
  std::vector<Transfer*> stalled;
  for (const auto& [transfer, owner] : on_the_wire_) {
    if (transfer->rests()) continue;  // that is not the server's fault
    if (now_ - transfer->last_progress() >= kQuiet) transfer->look_at_socket();
    if (now_ - transfer->last_progress() >= patience_with(*transfer)) stalled.push_back(transfer);
  }
  for (Transfer* transfer : stalled) {
    if (on_the_wire_.contains(transfer)) attempt_ended(*transfer, CURLE_OPERATION_TIMEDOUT);
  }
}

void Loop::take_off_the_wire(Transfer& transfer) {
  Flight& flight = *transfer.flight;
  ::curl_multi_remove_handle(multi_, transfer.handle());
  flight.host->limit.ended();
  (transfer.is_hedge() ? flight.hedge : flight.transfer) = nullptr;
  auto owner = on_the_wire_.extract(&transfer);
  auto& idle = transfer.bulk() ? idle_bulk_ : idle_small_;
  if (idle.size() < kMostIdleTransfers) idle.push_back(std::move(owner.mapped()));
}

// Takes a flight out of wherever it is.
void Loop::abandon(Flight& flight, ErrorCode code, std::string_view why) {
  if (flight.waiting) waiting_.erase(*std::exchange(flight.waiting, std::nullopt));
  if (flight.transfer == nullptr && flight.host != nullptr) {
    std::erase(flight.host->small, &flight);
    std::erase(flight.host->bulk, &flight);
  }
  if (flight.hedge != nullptr) take_off_the_wire(*flight.hedge);
  if (flight.transfer != nullptr) take_off_the_wire(*flight.transfer);
  finish(flight, fail(code, std::string(why)));
}

void Loop::finish(Flight& flight, Result<void> result) {
  if (!result && is_failure(result.error().code)) {
    flight.client->counters.failures.fetch_add(1, std::memory_order_relaxed);
  }
  if (flight.receiver != nullptr) {
    if (to_deliver_.empty()) held_since_ = std::chrono::steady_clock::now();
    deliver_at_once_ |= !flight.receiver->in_batches;
    to_deliver_.push_back({flight.receiver, {flight.exchange, std::move(result)}});
  }
  flight.probe.reset();
  flight.client.reset();
  flight.attempt.endpoint.reset();
  flight.host = nullptr;
  flight.in_use = false;
  --in_use_;
  unused_.push_back(&flight);
}

void Loop::deliver() {
  if (to_deliver_.empty()) return;
  if (!deliver_at_once_ && in_use_ > 0 && to_deliver_.size() < kFullBatch &&
      std::chrono::steady_clock::now() - held_since_ < kLongestHold) {
    return;
  }
  deliver_at_once_ = false;
  std::ranges::stable_sort(to_deliver_, {}, &ToDeliver::receiver);
  std::vector<Finished> some;
  for (std::size_t i = 0; i < to_deliver_.size();) {
    Receiver* receiver = to_deliver_[i].receiver;
    some.clear();
    for (; i < to_deliver_.size() && to_deliver_[i].receiver == receiver; ++i) {
      some.push_back(std::move(to_deliver_[i].finished));
    }
    receiver->finished(some);
  }
  to_deliver_.clear();
}

void Loop::wait() {
  std::optional<Clock::Time> until;
  auto earlier = [&](Clock::Time time) { until = until ? std::min(*until, time) : time; };
  if (!waiting_.empty()) earlier(waiting_.begin()->first);
  if (!hedge_checks_.empty()) earlier(hedge_checks_.begin()->first);
  if (!on_the_wire_.empty()) earlier(next_stall_check_);

  std::optional<Clock::Duration> at_most;
  if (curl_timer_)
    at_most = std::max<Clock::Duration>(Clock::Duration::zero(), *curl_timer_ - std::chrono::steady_clock::now());
  if (!to_deliver_.empty()) at_most = std::min<Clock::Duration>(at_most.value_or(kLongestHold), kLongestHold);

  std::array<epoll_event, 256> events;
  int count = clock_.wait_for_events(poller_, events, until, at_most);
  now_ = clock_.now();
  int running = 0;
  for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) {
    if (event.data.fd == wake_) continue;
    const Watch& watched = watches_[static_cast<std::size_t>(event.data.fd)];
    if (watched.wanted == 0) {  // an idle connection that the server closed
      watch(event.data.fd, 0);
      continue;
    }
    int what = 0;
    if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
    ::curl_multi_socket_action(multi_, event.data.fd, what, &running);
  }
  take_ended_transfers();
}

std::unique_ptr<Transfer> Loop::idle_transfer(bool bulk) {
  auto& idle = bulk ? idle_bulk_ : idle_small_;
  if (!idle.empty()) {
    auto transfer = std::move(idle.back());
    idle.pop_back();
    return transfer;
  }
  auto transfer = Transfer::create(bulk, now_);
  if (transfer) {
    ::curl_easy_setopt(transfer->handle(), CURLOPT_OPENSOCKETFUNCTION, &Loop::on_open);
    ::curl_easy_setopt(transfer->handle(), CURLOPT_OPENSOCKETDATA, this);
    ::curl_easy_setopt(transfer->handle(), CURLOPT_CLOSESOCKETFUNCTION, &Loop::on_close);
    ::curl_easy_setopt(transfer->handle(), CURLOPT_CLOSESOCKETDATA, this);
  }
  return transfer;
}

// Registers a descriptor with epoll, or takes it out.
void Loop::watch(curl_socket_t socket, std::uint32_t events) {
  Watch& watched = watches_[static_cast<std::size_t>(socket)];
  if (watched.registered == events) return;
  epoll_event event{.events = events, .data = {.fd = socket}};
  int operation = EPOLL_CTL_MOD;
  if (watched.registered == 0) operation = EPOLL_CTL_ADD;
  if (events == 0) operation = EPOLL_CTL_DEL;
  ::epoll_ctl(poller_, operation, socket, &event);
  watched.registered = events;
}

Loop::Watch& Loop::watch_of(curl_socket_t socket) {
  const auto index = static_cast<std::size_t>(socket);
  if (watches_.size() <= index) watches_.resize(index + 64);
  return watches_[index];
}

curl_socket_t Loop::on_open(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  curl_socket_t socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
  if (socket >= 0) static_cast<Loop*>(self)->watch_of(socket) = {.is_connection = true};
  return socket;
}

// A connection that goes idle stays registered: most are used again at once.
int Loop::on_socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void* /*of_socket*/) {
  auto& loop = *static_cast<Loop*>(self);
  Watch& watched = loop.watch_of(socket);
  std::uint32_t events = 0;
  if ((what & CURL_POLL_IN) != 0 && what != CURL_POLL_REMOVE) events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0 && what != CURL_POLL_REMOVE) events |= EPOLLOUT;
  watched.wanted = events;
  if (events != 0 || !watched.is_connection) loop.watch(socket, events);
  return 0;
}

int Loop::on_close(void* self, curl_socket_t socket) {
  auto& loop = *static_cast<Loop*>(self);
  auto index = static_cast<std::size_t>(socket);
  if (index < loop.watches_.size()) loop.watches_[index] = {};  // epoll forgets what is closed
  return ::close(socket);
}

int Loop::on_timer(CURLM* /*multi*/, long milliseconds, void* self) {
  auto& loop = *static_cast<Loop*>(self);
  if (milliseconds < 0) {
    loop.curl_timer_.reset();
  } else {
    loop.curl_timer_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  }
  return 0;
}

}  // namespace scabbard::net
