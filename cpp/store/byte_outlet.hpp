// Somebody else's descriptor that bytes are written to: a regular file, a pipe, a socket.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace scabbard {

/// Belongs to one thread at a time. The descriptor stays the caller's.
class ByteOutlet {
 public:
  /// `progress`, where not null, is raised by what was written.
  ByteOutlet(int descriptor, std::atomic<std::uint64_t>* progress);

  bool is_open() const;
  bool is_regular() const { return is_regular_; }
  int descriptor() const { return descriptor_; }

  /// Writes the first of `bytes` and returns how many, or a negative errno. 0: a pipe or socket took nothing for 50 ms,
  /// time for the caller to see whether it should go on. Raises no SIGPIPE.
  ssize_t write_some(std::span<const std::byte> bytes);
  /// What was written past this.
  void wrote(std::uint64_t count);

 private:
  const int descriptor_;
  const bool is_regular_;
  const bool takes_all_;  // and has no reader that may go away
  std::atomic<std::uint64_t>* const progress_;
};

}  // namespace scabbard
