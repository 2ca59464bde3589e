#include "net/engine.hpp"

#include <algorithm>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "net/loop.hpp"

namespace scabbard::net {
namespace {

unsigned default_loops() { return std::clamp(std::thread::hardware_concurrency() / 2, 1U, 4U); }

// Some exchanges and the thread that waits for them.
class Answers final : public Receiver {
 public:
  explicit Answers(std::size_t count) : under_way_(count) {}

  void finished(std::span<Finished> some) override {
    std::lock_guard lock(mutex_);
    for (Finished& one : some) {
      if (!one.result && !failure_) failure_ = std::move(one.result).error();
    }
    under_way_ -= some.size();
    changed_.notify_all();
  }

  /// Until all are there, or one has failed.
  std::optional<ErrorCode> wait(const Context& ctx) {
    std::unique_lock lock(mutex_);
    return ctx.wait(lock, changed_, [&] { return under_way_ == 0 || failure_; });
  }
  bool is_complete() {
    std::lock_guard lock(mutex_);
    return under_way_ == 0;
  }
  Result<void> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
    return failure_ ? fail(*std::move(failure_)) : Result<void>();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::size_t under_way_;
  std::optional<Error> failure_;
};

std::uint64_t next_receiver_id() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

}  // namespace

Receiver::Receiver() : id_(next_receiver_id()) {}

Engine::Engine(const Settings& settings) {
  const unsigned count = settings.loops == 0 ? default_loops() : settings.loops;
  for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(*settings.clock));
}

Engine::~Engine() = default;

std::shared_ptr<Engine> Engine::process() {
  static auto* mutex = new std::mutex;
  static auto* shared = new std::weak_ptr<Engine>;
  std::lock_guard lock(*mutex);
  auto engine = shared->lock();
  if (!engine) *shared = engine = std::make_shared<Engine>(Settings());
  return engine;
}

Loop& Engine::next_loop() { return *loops_[turn_.fetch_add(1, std::memory_order_relaxed) % loops_.size()]; }

Client::Client(std::shared_ptr<Engine> engine, ClientSettings settings)
    : engine_(std::move(engine)), state_(std::make_shared<ClientState>(std::move(settings))) {}

Client::~Client() { close(); }

void Client::submit(std::span<Exchange* const> exchanges, Receiver& receiver) {
  const std::size_t loops = engine_->loops_.size();
  const std::size_t share = (exchanges.size() + loops - 1) / loops;
  while (!exchanges.empty()) {
    std::size_t count = std::min(std::max<std::size_t>(share, 1), exchanges.size());
    engine_->next_loop().submit(state_, exchanges.first(count), receiver);
    exchanges = exchanges.subspan(count);
  }
}

void Client::cancel(const Receiver& receiver) {
  for (auto& loop : engine_->loops_) loop->cancel(receiver.id());
}

void Client::resume(const Exchange& exchange) {
  for (auto& loop : engine_->loops_) loop->resume(exchange);
}

Result<void> Client::run(const Context& ctx, Exchange& exchange) {
  Exchange* only = &exchange;
  return run_all(ctx, {&only, 1});
}

Result<void> Client::run_all(const Context& ctx, std::span<Exchange* const> exchanges) {
  if (auto ended = ctx.ended()) return fail(*ended, std::string(to_string(*ended)));
  Answers answers(exchanges.size());
  submit(exchanges, answers);
  auto ended = answers.wait(ctx);
  if (!answers.is_complete()) cancel(answers);
  auto result = answers.take();
  return ended ? fail(*ended, std::string(to_string(*ended))) : std::move(result);
}

void Client::close() {
  state_->closed = true;
  std::latch done(static_cast<std::ptrdiff_t>(engine_->loops_.size()));
  for (auto& loop : engine_->loops_) loop->close(state_, done);
  done.wait();
}

Endpoints& Client::endpoints() { return state_->endpoints; }

const Counters& Client::counters() const { return state_->counters; }

}  // namespace scabbard::net
