#include "extproc/line_server.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/text.hpp"
#include "base/thread_pool.hpp"
#include "extproc/line_splitter.hpp"
#include "extproc/messages.hpp"

namespace scabbard::extproc {
namespace {

// As much as a pipe holds.
constexpr std::size_t kReadAtOnce = 64 << 10;

Error stream_error(std::string_view what, int number) {
  return {.code = number == EPIPE ? ErrorCode::kClosed : ErrorCode::kIo,
          .message = fmt::format("{}: {}", what, std::generic_category().message(number)),
          .system_error = number,
          .request_id = {}};
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {  // the parent made it so
      struct pollfd writable = {.fd = descriptor, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// Writes lines in their order, on a thread of its own: a parent that does not read stops nothing else.
class Output {
 public:
  /// `broken` is asked to stop when a write fails.
  Output(int descriptor, std::stop_source broken)
      : state_(std::make_shared<State>(descriptor, std::move(broken))), writer_(1) {}

  void write(std::string line) {
    writer_.post([state = state_, line = std::move(line)] {
      if (state->error != 0 || write_all(state->descriptor, line)) return;
      state->error = errno;
      state->broken.request_stop();
    });
  }

  /// errno of the write that failed.
  int error() const { return state_->error; }

  /// Writes what is left, if somebody reads it soon.
  void finish(std::chrono::nanoseconds patience) { writer_.stop(patience); }

 private:
  struct State {
    State(int of_output, std::stop_source to_stop) : descriptor(of_output), broken(std::move(to_stop)) {}
    int descriptor;
    std::stop_source broken;
    std::atomic<int> error = 0;
  };

  const std::shared_ptr<State> state_;  // shared with the writer, which may be stuck for ever
  ThreadPool writer_;
};

// What the threads that do tasks share, and may have when the server is gone.
struct Work {
  Context ctx;
  Handler handler;
  std::shared_ptr<Output> output;
};

// Handlers should not throw; one that does fails its own request.
Result<nlohmann::json> call(const Work& work, const nlohmann::json& task) {
  if (auto going = work.ctx.check("begin the task"); !going) return fail(std::move(going).error());
  try {
    auto output = work.handler(work.ctx, task);
    if (output && output->is_null()) return fail(ErrorCode::kInternal, "the task was done without an output");
    return output;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, error.what());
  } catch (...) {
    return fail(ErrorCode::kInternal, "unknown exception");
  }
}

void answer_with_error(Output& output, std::uint64_t id, const Error& error) {
  log::warn("request {}: {}", id, printable(error.message));
  output.write(answer(id, error));
}

void do_request(const Work& work, const Request& request) {
  auto result = call(work, request.task);
  if (!result) return answer_with_error(*work.output, request.id, result.error());
  log::debug("request {}: done", request.id);
  work.output->write(answer(request.id, *result));
}

class Server {
 public:
  Server(const Context& ctx, const LineServerOptions& options, Handler handler)
      : ctx_(ctx),
        options_(options),
        output_(std::make_shared<Output>(options.output, end_)),
        work_(std::make_shared<const Work>(ctx.with_cancel(end_.get_token()), std::move(handler), output_)),
        workers_(std::max(1U, options.concurrency)),
        splitter_(options.longest_line),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Server() { ::close(wake_); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Error serve() {
    if (wake_ < 0) return stream_error("make an eventfd", errno);
    std::stop_callback pass_on(ctx_.cancel_token(), [this] { end_.request_stop(); });
    std::stop_callback wake(end_.get_token(), [this] { ::eventfd_write(wake_, 1); });
    output_->write(options_.stage + " processor ready\n");
    Error why = read_requests();
    end_.request_stop();
    const auto until = std::chrono::steady_clock::now() + options_.patience;
    workers_.stop(options_.patience);
    output_->finish(until - std::chrono::steady_clock::now());
    return why;
  }

 private:
  // Returns why it stopped.
  Error read_requests() {
    std::vector<char> buffer(kReadAtOnce);
    while (true) {
      if (auto over = wait_for_input()) return *over;
      ssize_t count = ::read(options_.input, buffer.data(), buffer.size());
      if (count == 0) return input_ended();
      if (count < 0 && errno != EINTR && errno != EAGAIN) return stream_error("read requests", errno);
      splitter_.feed({buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))},
                     [this](const std::string& line, bool is_whole) { take(line, is_whole); });
    }
  }

  // Nothing where there is some.
  std::optional<Error> wait_for_input() {
    std::array<struct pollfd, 3> streams = {{{.fd = options_.input, .events = POLLIN, .revents = 0},
                                             {.fd = wake_, .events = POLLIN, .revents = 0},
                                             {.fd = options_.output, .events = 0, .revents = 0}}};
    while (true) {
      if (auto going = ctx_.check("serve requests"); !going) return going.error();
      if (int error = output_->error(); error != 0) return stream_error("write answers", error);
      if (::poll(streams.data(), streams.size(), milliseconds_left()) <= 0) continue;
      // Nobody reads it any more.
      if ((streams[2].revents & (POLLERR | POLLHUP)) != 0) return stream_error("write answers", EPIPE);
      if (streams[1].revents == 0 && streams[0].revents != 0) return std::nullopt;
    }
  }

  // Of the context, as poll() takes them.
  int milliseconds_left() const {
    if (!ctx_.deadline()) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*ctx_.deadline() - ctx_.now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, std::numeric_limits<int>::max()));
  }

  Error input_ended() const {
    if (splitter_.is_in_line()) log::warn("the input ended within a line, which is passed over");
    return {.code = ErrorCode::kClosed, .message = "read requests: the parent has closed them", .request_id = {}};
  }

  void take(const std::string& line, bool is_whole) {
    if (line.find_first_not_of(" \t\r\v\f") == std::string::npos) return;
    auto request = is_whole
                       ? parse_request(line)
                       : std::unexpected(BadRequest{.id = id_at_beginning(line), .reason = "the line is too long"});
    if (!request) return refuse(request.error());
    const std::uint64_t id = request->id;
    auto to_do = [work = work_, request = *std::move(request)] { do_request(*work, request); };
    if (!workers_.post(std::move(to_do))) refuse({.id = id, .reason = "the system gives no thread to do it"});
  }

  void refuse(const BadRequest& request) {
    Error error = {
        .code = ErrorCode::kInvalidArgument, .message = "read the request: " + request.reason, .request_id = {}};
    if (request.id) return answer_with_error(*output_, *request.id, error);
    log::warn("a line was passed over, which shows no id to answer to: {}", request.reason);
  }

  const Context& ctx_;
  const LineServerOptions& options_;
  std::stop_source end_;  // of serving, whatever the reason
  const std::shared_ptr<Output> output_;
  const std::shared_ptr<const Work> work_;
  ThreadPool workers_;
  LineSplitter splitter_;
  const int wake_;
};

}  // namespace

Error serve_lines(const Context& ctx, const LineServerOptions& options, Handler handler) {
  return Server(ctx, options, std::move(handler)).serve();
}

}  // namespace scabbard::extproc
