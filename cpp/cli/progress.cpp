#include "cli/progress.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/quantities.hpp"
#include "cli/output.hpp"

namespace scabbard::cli {
namespace {

constexpr auto kWipe = "\r\x1b[K";
constexpr auto kWindow = std::chrono::seconds(10);
constexpr auto kBarInterval = std::chrono::milliseconds(200);
constexpr auto kLineInterval = std::chrono::seconds(10);

// Of what is wanted, 0 to 1. Bytes that were copied twice, after a failure, do not count beyond the whole.
double fraction(const Moment& moment) {
  if (moment.total->bytes == 0) return 1;
  return std::min(1.0, static_cast<double>(moment.done.bytes) / static_cast<double>(moment.total->bytes));
}

std::optional<std::chrono::seconds> left(const Moment& moment) {
  if (!moment.total || moment.bytes_per_second <= 0) return std::nullopt;
  double bytes = static_cast<double>(moment.total->bytes) * (1 - fraction(moment));
  return std::chrono::seconds(static_cast<std::int64_t>(bytes / moment.bytes_per_second));
}

int percent(const Moment& moment) { return static_cast<int>(100 * fraction(moment)); }

std::size_t terminal_width() {
  struct winsize size{};
  bool known = ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

void Rate::note(Clock::Time when, std::uint64_t bytes) {
  samples_.push_back({when, bytes});
  // One from before the window stays: the window begins with it.
  while (samples_.size() > 2 && when - samples_[1].when >= kWindow) samples_.pop_front();
}

double Rate::per_second() const {
  if (samples_.empty()) return 0;
  std::chrono::duration<double> time = samples_.back().when - samples_.front().when;
  if (time.count() <= 0) return 0;
  return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / time.count();
}

std::string progress_line(const Moment& moment) {
  std::string line = moment.title.empty() ? "" : moment.title + ": ";
  line += human_size(moment.done.bytes);
  if (moment.total) line += fmt::format(" of {} ({}%)", human_size(moment.total->bytes), percent(moment));
  line += fmt::format(", {}/s", human_size(static_cast<std::uint64_t>(moment.bytes_per_second)));
  if (auto time = left(moment)) line += fmt::format(", {} left", human_duration(*time));
  if (moment.total && moment.total->objects > 1) {
    line += fmt::format(", {} of {} objects", moment.done.objects, moment.total->objects);
  }
  return line;
}

std::string progress_bar(const Moment& moment, std::size_t width) {
  constexpr std::size_t kLeastBar = 10;
  constexpr std::size_t kMostBar = 40;
  std::string line = progress_line(moment);
  std::size_t room = width > line.size() + 4 ? width - line.size() - 4 : 0;  // "[] " and the last column
  if (!moment.total || room < kLeastBar) return line.substr(0, width > 0 ? width - 1 : 0);
  std::size_t columns = std::min(room, kMostBar);
  auto filled = static_cast<std::size_t>(fraction(moment) * static_cast<double>(columns));
  return fmt::format("[{:<{}}] {}", std::string(filled, '#'), columns, line);
}

std::string progress_json(const Moment& moment) {
  nlohmann::ordered_json progress = {{"bytes", moment.done.bytes}, {"objects", moment.done.objects}};
  if (moment.total) {
    progress["total_bytes"] = moment.total->bytes;
    progress["total_objects"] = moment.total->objects;
  }
  progress["bytes_per_second"] = static_cast<std::uint64_t>(moment.bytes_per_second);
  if (auto time = left(moment)) progress["seconds_left"] = time->count();
  if (!moment.title.empty()) progress["of"] = moment.title;
  return json_line({{"progress", progress}});
}

Progress::Style Progress::style(bool quiet, bool json) {
  if (quiet) return Style::kNone;
  if (json) return Style::kJson;
  return takes_commands(2) ? Style::kBar : Style::kLines;
}

Progress::Progress(Style style, std::optional<Amount> total, std::string title)
    : style_(style), total_(total), title_(std::move(title)) {
  if (style_ == Style::kNone) return;
  try {
    thread_ = std::jthread([this](const std::stop_token& over) { run(over); });
  } catch (const std::system_error&) {
    // Without a thread to show it there is no progress, and all else goes on.
  }
}

Progress::~Progress() { stop(); }

void Progress::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Progress::run(const std::stop_token& over) {
  rate_.note(Clock::steady().now(), 0);
  std::unique_lock lock(mutex_);
  auto interval = style_ == Style::kBar ? std::chrono::nanoseconds(kBarInterval) : kLineInterval;
  if (style_ == Style::kBar) log::begin_lines_with(kWipe);
  while (!wake_.wait_for(lock, over, interval, [&] { return over.stop_requested(); })) {
    if (over.stop_requested()) break;
    show();
  }
  if (style_ != Style::kBar) return;
  log::begin_lines_with({});
  std::fputs(kWipe, stderr);
}

void Progress::show() {
  rate_.note(Clock::steady().now(), bytes_);
  Moment moment{.title = title_,
                .done = {.objects = objects_, .bytes = bytes_},
                .total = total_,
                .bytes_per_second = rate_.per_second()};
  switch (style_) {
    case Style::kNone:
      break;
    case Style::kLines:
      std::fprintf(stderr, "scabbard: %s\n", progress_line(moment).c_str());
      break;
    case Style::kBar:
      std::fprintf(stderr, "\r%s\x1b[K", progress_bar(moment, terminal_width()).c_str());
      break;
    case Style::kJson:
      std::fprintf(stderr, "%s\n", progress_json(moment).c_str());
      break;
  }
}

}  // namespace scabbard::cli
