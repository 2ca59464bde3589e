// What a client of the benchmark is to do, and what that cost it.
//
// Each client is a program of its own: `CLIENT JOB`, the job as JSON, its cost printed as JSON. Its processor time is
// taken around the work alone, so that starting an interpreter is not held against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace scabbard::bench {

/// A small read, or (size 0) a look.
struct Read {
  std::string key;
  std::uint64_t offset = 0;
  std::size_t size = 0;
};

struct Job {
  std::string work;      ///< put_file, put_stream, put_generated, get, ranges, heads or plan
  std::string endpoint;  ///< http://127.0.0.1:9000
  std::string ca;        ///< file of authorities; empty: none
  std::string bucket;
  std::string key;            ///< of the object, or the folder of those of the list
  std::string file;           ///< source or target
  std::string list;           ///< file of the ranges, as `scabbard plan --json` prints them; empty: count of size
  bool sign_payload = false;  ///< or UNSIGNED-PAYLOAD
  std::uint64_t length = 0;   ///< bytes of the object
  std::size_t count = 0;      ///< requests
  std::size_t size = 0;       ///< bytes of one
  std::size_t in_flight = 0;  ///< requests
  std::string variant;        ///< of the bare loop: poll or epoll
  /// For ranges and heads: those of the list, or such as are spread over the object, too far apart to be merged.
  std::vector<Read> reads;
};

/// Memory for all of them.
std::size_t bytes_of(const std::vector<Read>& reads);

/// What main() does: has the job of the arguments carried out, and prints what that cost. Exits where the job cannot be
/// read.
void run(int argc, char** argv, void (*carry_out)(const Job& job));

[[noreturn]] void give_up(const std::string& why);

}  // namespace scabbard::bench
