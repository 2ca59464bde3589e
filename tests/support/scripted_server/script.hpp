// The script of a server: its rules, which of their requests has come, and what the server has seen.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "support/scripted_server/memory_s3.hpp"
#include "support/scripted_server/rule.hpp"

namespace scabbard::scripted {

/// What a server has seen so far.
struct Seen {
  std::uint64_t requests = 0;  ///< whose heads have come
  std::map<std::string, std::uint64_t, std::less<>> by_kind;
  std::uint64_t connections = 0;
};

/// Counts what happens, and lets tests wait for it. Safe from any thread.
class Observations {
 public:
  void count_request(std::string_view kind);
  void count_connection();
  /// That one exchange more (1) or less (-1) is stalling.
  void change_stalling(int by);

  Seen seen() const;
  /// Block until at least so many exchanges stall now, none does, or so many requests have come. False after a minute
  /// of real time, so that a broken test ends.
  bool wait_until_stalling(std::size_t count) const;
  bool wait_until_nothing_stalls() const;
  bool wait_for_requests(std::uint64_t count) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Seen seen_;
  std::size_t stalling_ = 0;
};

/// A rule that takes effect, for the `number`th of its requests; `rule` is null where S3 just answers.
struct Plan {
  const Rule* rule = nullptr;
  std::uint64_t number = 0;
};

/// Belongs to the server's thread, but for observations and S3.
class Script {
 public:
  Script(std::vector<Rule> rules, MemoryS3::Settings s3, std::chrono::seconds clock_offset);

  /// The first rule that a connection or request meets. Every rule counts the requests that meet its condition,
  /// whichever rule takes effect. Rules with Phase::kAccept are for connections only.
  Plan plan_connection(std::size_t endpoint);
  Plan plan_request(const Request& request, std::size_t endpoint);

  /// Carries the request out, or does not, as the plan says.
  Response answer(const Plan& plan, Request& request);

  /// From any thread: all requests are answered with status 500.
  void set_in_trouble(bool is) { in_trouble_ = is; }

  MemoryS3& s3() { return s3_; }
  Observations& observations() { return observations_; }
  const Observations& observations() const { return observations_; }
  bool stalls_uploads() const;
  bool trickles() const;

 private:
  std::int64_t now() const;

  const std::vector<Rule> rules_;
  std::atomic<bool> in_trouble_ = false;
  std::vector<std::uint64_t> met_;  // by rule
  const std::chrono::seconds clock_offset_;
  MemoryS3 s3_;
  Observations observations_;
};

}  // namespace scabbard::scripted
