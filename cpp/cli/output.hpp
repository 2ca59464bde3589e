// Standard output, written in large pieces. A pipe that its reader has closed ends the process by SIGPIPE, as that of
// any Unix tool.
#pragma once

#include <cerrno>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard::cli {

/// Whether what is written to the descriptor is shown to a person; whether it may move the cursor (TERM=dumb); whether
/// it may be in colours (NO_COLOR).
bool is_terminal(int descriptor);
bool takes_commands(int descriptor);
bool takes_colours(int descriptor);

/// One line of JSON, without its end, in ASCII: nothing in it commands a terminal. Names that are not UTF-8 have their
/// odd bytes replaced.
std::string json_line(const nlohmann::ordered_json& value);

/// An errno met on a standard stream; `doing` says what was tried.
Error stream_error(std::string_view doing, int error);

class Output {
 public:
  explicit Output(int descriptor) : descriptor_(descriptor), is_terminal_(is_terminal(descriptor)) {}

  void write(std::string_view text);
  void line(std::string_view text);
  void json(const nlohmann::ordered_json& value);

  /// A name, made harmless where a terminal would obey what is in it.
  std::string shown(std::string_view name) const;

  /// Writes what waits; an error is kept for flush().
  void send();
  /// Writes what is left. Once something could not be written, the error of that; whoever has much to say asks
  /// failed() now and then.
  Result<void> flush();
  bool failed() const { return error_ != 0; }
  bool reader_has_gone() const { return error_ == EPIPE; }

 private:
  const int descriptor_;
  const bool is_terminal_;
  std::string waiting_;
  int error_ = 0;
};

}  // namespace scabbard::cli
