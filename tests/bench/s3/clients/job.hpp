// What a client of the benchmark is to do, and what that cost it.
//
// Each client is a program of its own: `CLIENT JOB`, the job as JSON, its cost printed as JSON. Its processor time is
// taken around the work alone, so that starting an interpreter is not held against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace scabbard::bench {

struct Job {
  std::string work;      ///< put_file, put_stream, put_generated, get, ranges or heads
  std::string endpoint;  ///< http://127.0.0.1:9000
  std::string ca;        ///< file of authorities; empty: none
  std::string bucket;
  std::string key;
  std::string file;           ///< source or target
  bool sign_payload = false;  ///< or UNSIGNED-PAYLOAD
  std::uint64_t length = 0;   ///< bytes of the object
  std::size_t count = 0;      ///< requests
  std::size_t size = 0;       ///< bytes of one
  std::size_t in_flight = 0;  ///< requests
  std::string variant;        ///< of the bare loop: poll or epoll
};

/// Where the i-th ranged read begins: spread over the object, too far apart to be merged.
std::uint64_t offset_of(const Job& job, std::size_t i);

/// What main() does: has the job of the arguments carried out, and prints what that cost. Exits where the job cannot be
/// read.
void run(int argc, char** argv, void (*carry_out)(const Job& job));

[[noreturn]] void give_up(const std::string& why);

}  // namespace scabbard::bench
