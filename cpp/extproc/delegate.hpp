// The stock prover, which does the arithmetic: a child that speaks the same line protocol, from the other side, and is
// kept alive.
//
// It is started at once, and again, ever later, when it dies. A request that it died over is sent once more. It dies
// with this process, however that ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"
#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard::extproc {

/// The command with the path of its program: one without a slash is looked for beside the parent's executable, beside
/// this one, and on PATH. kNotFound says where it was looked for; kInvalidArgument where it is this executable itself,
/// which would start itself for ever.
Result<std::vector<std::string>> find_program(std::vector<std::string> command);

struct DelegateOptions {
  std::vector<std::string> command;  ///< not empty; its program is found anew at each start
  std::string stage;                 ///< what it says it is ready for
  std::string folder;                ///< where it works: one whose files say nothing to it
  Clock::Duration ready_within = std::chrono::minutes(1);
  /// How long a request waits for it to get ready.
  Clock::Duration start_within = std::chrono::minutes(2);
  /// Between its end and its next start; more after each start that fails, while nobody waits for it.
  Clock::Duration first_pause = std::chrono::seconds(1);
};

/// Safe from any thread.
class Delegate {
 public:
  explicit Delegate(DelegateOptions options);
  /// Kills it.
  ~Delegate();
  Delegate(const Delegate&) = delete;
  Delegate& operator=(const Delegate&) = delete;

  /// Its output for a task. kUnavailable where it cannot be started or died over it twice, the context's reason where
  /// it did not answer in time; what it says itself is kIo.
  Result<nlohmann::json> ask(const Context& ctx, const nlohmann::json& task);

 private:
  enum class State { kStarting, kReady, kDead };

  void supervise(const std::stop_token& stop);
  std::string live(const std::stop_token& stop);
  std::string read_answers(const std::stop_token& stop, int output);
  bool take_line(const std::string& line);
  void pause(const std::stop_token& stop);

  Result<unsigned> wait_until_ready(const Context& ctx);
  void send(const Context& ctx, unsigned life, std::string_view line);
  bool is_killed();
  void kill_it();  // with the lock held

  const DelegateOptions options_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  State state_ = State::kStarting;
  unsigned life_ = 0;           // counts its starts
  unsigned failed_starts_ = 0;  // one after the other
  unsigned waiting_ = 0;        // questions that wait for it to get ready
  std::string last_death_;
  pid_t process_ = -1;
  bool is_killed_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::optional<Result<nlohmann::json>>> answers_;  // to the questions under way
  unsigned missed_ = 0;  // questions in a row that it did not answer in time

  std::mutex sending_;  // before mutex_
  Descriptor input_;    // guarded by sending_

  std::jthread supervisor_;  // the last: it uses all others
};

}  // namespace scabbard::extproc
