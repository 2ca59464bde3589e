// How many bytes a store holds, as far as is known without asking.
//
// A thread lists the store every now and then: the writers are other machines, so that what this process writes or
// removes in between says little. Safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/thread_pool.hpp"
#include "scabbard/context.hpp"

namespace scabbard::s3 {

class Usage {
 public:
  /// `count` lists the store. Nothing happens before the first known().
  Usage(std::function<Result<std::uint64_t>(const Context&)> count, Clock& clock, Clock::Duration refresh);
  ~Usage();
  Usage(const Usage&) = delete;
  Usage& operator=(const Usage&) = delete;

  /// Bytes; the first time within a moment, nothing if it is not known by then.
  std::optional<std::uint64_t> known(const Context& ctx);
  void close();

 private:
  void run();

  const std::function<Result<std::uint64_t>(const Context&)> count_;
  Clock& clock_;
  const Clock::Duration refresh_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool begun_ = false;
  std::optional<std::uint64_t> used_;
  std::stop_source closing_;
  ThreadPool thread_{1};
};

}  // namespace scabbard::s3
