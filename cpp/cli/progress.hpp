// How far a copy is, on stderr: a bar on a terminal, else a line every ten seconds.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "scabbard/context.hpp"

namespace scabbard::cli {

struct Amount {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

/// How fast bytes have been coming lately.
class Rate {
 public:
  void note(Clock::Time when, std::uint64_t bytes);
  /// Bytes a second over the last ten seconds; 0 while that is unknown.
  double per_second() const;

 private:
  struct Sample {
    Clock::Time when;
    std::uint64_t bytes;
  };
  std::deque<Sample> samples_;
};

/// One moment of a copy. `total` is not known for what comes from a pipe.
struct Moment {
  std::string title = {};  ///< which one, where there are several
  Amount done;
  std::optional<Amount> total;
  double bytes_per_second = 0;
};

/// "12.0 GiB of 32.0 GiB (37%), 1.2 GiB/s, 0:17 left, 3 of 12 objects".
std::string progress_line(const Moment& moment);
/// The same with a bar, in `width` columns.
std::string progress_bar(const Moment& moment, std::size_t width);
/// The same as JSON.
std::string progress_json(const Moment& moment);

class Progress {
 public:
  enum class Style { kNone, kLines, kBar, kJson };

  /// How it is shown with these options of a command.
  static Style style(bool quiet, bool json);

  /// Shows what is done until it is destroyed. Lines begin with the title, if there is one.
  Progress(Style style, std::optional<Amount> total, std::string title = {});
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Raised as bytes are taken.
  std::atomic<std::uint64_t>* bytes() { return &bytes_; }
  void finished_object() { ++objects_; }

  /// Stops showing; to be called before anything else is written to the terminal.
  void stop();

 private:
  void run(const std::stop_token& over);
  void show();

  const Style style_;
  const std::optional<Amount> total_;
  const std::string title_;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> objects_ = 0;
  Rate rate_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace scabbard::cli
