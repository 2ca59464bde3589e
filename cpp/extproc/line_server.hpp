// The child's side of the line protocol that damocles speaks with its ext-processors and ext-provers: requests on the
// input, answers in any order on the output, everything else on stderr.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard::extproc {

/// Does one task; runs on several of the server's threads at once. `ctx` ends when the server does. The output is not
/// null. A thread whose task does not end then is left behind: the handler owns all that it touches.
using Handler = std::function<Result<nlohmann::json>(const Context& ctx, const nlohmann::json& task)>;

struct LineServerOptions {
  std::string stage;         ///< as in `scabbard processor STAGE`; the parent checks it
  unsigned concurrency = 1;  ///< tasks that are done at a time; the others wait
  int input = 0;
  int output = 1;
  /// A longer line is passed over, and answered with an error. Requests of damocles reach 3 MB.
  std::size_t longest_line = 64 << 20;
  /// How long tasks may go on, and answers are written, after the server's end.
  std::chrono::nanoseconds patience = std::chrono::seconds(5);
};

/// Says that it is ready and serves until it cannot, which is what it returns: kClosed once the input has ended or
/// nobody reads the output, the reason of `ctx`, or an error of input or output. The input is read all the time,
/// whether tasks are being done or answers taken. What was read is answered, if only with an error, as long as somebody
/// reads that. Threads may be left behind (see Handler): the process is to end next, by _Exit().
Error serve_lines(const Context& ctx, const LineServerOptions& options, Handler handler);

}  // namespace scabbard::extproc
