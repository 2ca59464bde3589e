#include "cli/output.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace scabbard::cli {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

bool takes_commands(int descriptor) { return is_terminal(descriptor) && variable("TERM") != "dumb"; }

bool takes_colours(int descriptor) { return takes_commands(descriptor) && variable("NO_COLOR").empty(); }

std::string json_line(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

Error stream_error(std::string_view doing, int error) {
  return {.code = error == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
          .message = fmt::format("{}: {} ({})", doing, ::strerrordesc_np(error), ::strerrorname_np(error)),
          .system_error = error,
          .request_id = {}};
}

void Output::write(std::string_view text) {
  waiting_ += text;
  // What a person watches is shown at once.
  if (waiting_.size() >= kPiece || is_terminal_) send();
}

void Output::line(std::string_view text) {
  waiting_ += text;
  write("\n");
}

void Output::json(const nlohmann::ordered_json& value) { line(json_line(value)); }

std::string Output::shown(std::string_view name) const {
  return is_terminal_ && printable(name) != name ? quote(name, name.size()) : std::string(name);
}

void Output::send() {
  std::string_view left = waiting_;
  while (!left.empty() && error_ == 0) {
    ssize_t count = ::write(descriptor_, left.data(), left.size());
    if (count >= 0) {
      left.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      struct pollfd writable = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  waiting_.clear();
}

Result<void> Output::flush() {
  send();
  if (error_ == 0) return {};
  return fail(stream_error("write standard output", error_));
}

}  // namespace scabbard::cli
