#include "extproc/delegate.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/log.hpp"
#include "base/signals_blocked.hpp"
#include "base/text.hpp"
#include "extproc/child_process.hpp"
#include "extproc/line_splitter.hpp"
#include "extproc/messages.hpp"

namespace scabbard::extproc {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr auto kLongestRest = std::chrono::seconds(30);
constexpr unsigned kMostSendings = 2;
constexpr unsigned kMostMissed = 2;
// It takes a request as it comes, or it hangs.
constexpr auto kLongestSending = std::chrono::minutes(1);
constexpr int kDyingMilliseconds = 5000;
// Proofs of a partition are some kilobytes.
constexpr std::size_t kLongestLine = std::size_t{64} << 20;
constexpr std::size_t kAnswersAtOnce = 64 << 10;
constexpr int kPollMilliseconds = 100;

std::string folder_of_executable(const std::string& process) {
  std::error_code error;
  return fs::read_symlink("/proc/" + process + "/exe", error).parent_path().string();
}

std::vector<std::string> places_of_programs() {
  std::vector<std::string> folders = {folder_of_executable(std::to_string(::getppid())), folder_of_executable("self")};
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    folders.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::erase(folders, "");
  return folders;
}

bool is_executable(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

Result<std::vector<std::string>> find_program(std::vector<std::string> command) {
  std::string& program = command.front();
  std::error_code error;
  if (program.find('/') == std::string::npos) {
    const auto folders = places_of_programs();
    const auto found =
        std::ranges::find_if(folders, [&](const std::string& folder) { return is_executable(folder + "/" + program); });
    if (found == folders.end()) {
      return fail(
          ErrorCode::kNotFound,
          fmt::format("it is in none of {}: install it there, or name another with --delegate", listed(folders)));
    }
    program = *found + "/" + program;
  } else if (!is_executable(program)) {
    return fail(ErrorCode::kNotFound, "it is no executable file: name it with --delegate");
  }
  if (fs::equivalent(program, "/proc/self/exe", error)) {
    return fail(ErrorCode::kInvalidArgument,
                "it is this program itself: --delegate names the stock prover, such as \"damocles-worker processor "
                "window_post\"");
  }
  program = fs::absolute(program, error).string();
  return command;
}

Delegate::Delegate(DelegateOptions options) : options_(std::move(options)) {
  const SignalsBlocked blocked;
  supervisor_ = std::jthread([this](const std::stop_token& stop) { supervise(stop); });
}

Delegate::~Delegate() = default;

void Delegate::supervise(const std::stop_token& stop) {
  const std::stop_callback end(stop, [this] {
    const std::lock_guard lock(mutex_);
    kill_it();
  });
  while (!stop.stop_requested()) {
    const std::string death = live(stop);
    if (stop.stop_requested()) return;
    log::warn("the stock prover {}: {}", quote(options_.command.front()), death);
    pause(stop);
  }
}

// One life of the child, and what ended it.
std::string Delegate::live(const std::stop_token& stop) {
  const auto command = find_program(options_.command);
  auto child = command ? start_child(*command, options_.folder) : fail(command.error());
  std::string death;
  if (child) {
    {
      const std::scoped_lock locks(sending_, mutex_);
      input_ = std::move(child->input);
      process_ = child->process;
      state_ = State::kStarting;
      is_killed_ = false;
      if (stop.stop_requested()) kill_it();
    }
    death = read_answers(stop, child->output.get());
    struct pollfd ended = {.fd = child->handle.get(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, kPollMilliseconds);  // it may just be about to end by itself
    {
      const std::lock_guard lock(mutex_);
      kill_it();
      process_ = -1;
    }
    const bool has_ended = ::poll(&ended, 1, kDyingMilliseconds) > 0;
    const std::string how = has_ended ? reap(*child) : "hangs in the kernel, and is left behind";
    if (death.empty()) death = how;
  } else {
    death = child.error().message;
  }
  const std::scoped_lock locks(sending_, mutex_);
  input_.reset();
  failed_starts_ = state_ == State::kReady ? 0 : failed_starts_ + 1;
  state_ = State::kDead;
  ++life_;
  missed_ = 0;
  last_death_ = death;
  changed_.notify_all();
  return death;
}

// Until it has ended, or says what it should not, which is returned.
std::string Delegate::read_answers(const std::stop_token& stop, int output) {
  const auto ready_until = std::chrono::steady_clock::now() + options_.ready_within;
  LineSplitter splitter(kLongestLine);
  std::vector<char> buffer(kAnswersAtOnce);
  std::string wrong;
  while (wrong.empty() && !stop.stop_requested() && !is_killed()) {
    struct pollfd readable = {.fd = output, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kPollMilliseconds) > 0) {
      const ssize_t count = ::read(output, buffer.data(), buffer.size());
      if (count == 0 || (count < 0 && errno != EINTR)) break;
      splitter.feed({buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))},
                    [&](const std::string& line, bool is_whole) {
                      if (wrong.empty() && (!is_whole || !take_line(line))) {
                        wrong = fmt::format("it said {}, which is no answer", quote(line, 80));
                      }
                    });
    }
    const std::lock_guard lock(mutex_);
    if (state_ == State::kStarting && std::chrono::steady_clock::now() > ready_until) {
      wrong = "it did not say in time that it is ready";
    }
  }
  return wrong;
}

// False where that is an answer gone wrong. Other lines are passed over, as its usual parent does.
bool Delegate::take_line(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (line == options_.stage + " processor ready" && state_ == State::kStarting) {
    state_ = State::kReady;
    changed_.notify_all();
    return true;
  }
  if (!line.starts_with('{')) {
    log::warn("the stock prover said {}, which is passed over", quote(line, 80));
    return true;
  }
  auto answer = parse_answer(line);
  if (!answer) return false;
  missed_ = 0;
  const auto awaited = answers_.find(answer->id);
  if (awaited == answers_.end() || awaited->second) return true;  // it came too late
  awaited->second = std::move(answer->output);
  changed_.notify_all();
  return true;
}

bool Delegate::is_killed() {
  const std::lock_guard lock(mutex_);
  return is_killed_;
}

void Delegate::pause(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const Context ctx = Context().with_cancel(stop);
  const auto pause = options_.first_pause * (1U << std::min(failed_starts_, 5U));
  std::ignore = ctx.with_timeout(options_.first_pause).wait(lock, changed_, [] { return false; });
  std::ignore = ctx.with_timeout(std::min<Clock::Duration>(pause, kLongestRest)).wait(lock, changed_, [&] {
    return waiting_ > 0;
  });
}

Result<Json> Delegate::ask(const Context& ctx, const Json& task) {
  for (unsigned sending = 1; sending <= kMostSendings; ++sending) {
    const auto life = wait_until_ready(ctx);
    if (!life) return fail(life.error());
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++last_id_;
      answers_[id];
    }
    send(ctx, *life, request(id, task));
    std::unique_lock lock(mutex_);
    const auto ended = ctx.wait(lock, changed_, [&] { return answers_[id] || life_ != *life; });
    auto answer = std::move(answers_.extract(id).mapped());
    if (answer) return *std::move(answer);
    if (ended) {
      if (*ended == ErrorCode::kDeadlineExceeded && ++missed_ >= kMostMissed) kill_it();
      return fail(*ended, "the stock prover has not answered in time");
    }
    log::warn("the stock prover ended over a request{}", sending < kMostSendings ? ", which is sent once more" : "");
  }
  const std::lock_guard lock(mutex_);
  return fail(ErrorCode::kUnavailable,
              fmt::format("the stock prover {} ended over the request, and again when it was sent once more: {}",
                          quote(options_.command.front()), last_death_));
}

// The life that it is ready in.
Result<unsigned> Delegate::wait_until_ready(const Context& ctx) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.notify_all();
  const Context patient = ctx.with_timeout(options_.start_within);
  const auto ended = patient.wait(lock, changed_, [&] { return state_ == State::kReady; });
  --waiting_;
  if (state_ == State::kReady) return life_;
  const std::string& why = last_death_.empty() ? "it is not ready yet" : last_death_;
  return fail(ctx.ended() ? *ended : ErrorCode::kUnavailable,
              fmt::format("the stock prover {} cannot be used: {}", quote(options_.command.front()), why));
}

// To the child of this life, which ends where it cannot take the whole line.
void Delegate::send(const Context& ctx, unsigned life, std::string_view line) {
  const std::lock_guard one_line_at_a_time(sending_);
  {
    const std::lock_guard lock(mutex_);
    if (life_ != life) return;
  }
  const std::size_t whole = line.size();
  auto until = std::chrono::steady_clock::now() + kLongestSending;
  while (!line.empty() && !ctx.ended() && std::chrono::steady_clock::now() < until) {
    const ssize_t count = ::send(input_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      line.remove_prefix(static_cast<std::size_t>(count));
      until = std::chrono::steady_clock::now() + kLongestSending;
    } else if (errno == EAGAIN) {
      struct pollfd writable = {.fd = input_.get(), .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, kPollMilliseconds);
    } else if (errno != EINTR) {
      break;
    }
  }
  if (line.empty() || (line.size() == whole && ctx.ended())) return;
  // It would take the next line for the rest of this one.
  const std::lock_guard lock(mutex_);
  kill_it();
}

void Delegate::kill_it() {
  is_killed_ = true;
  if (process_ > 0) ::kill(-process_, SIGKILL);
}

}  // namespace scabbard::extproc
