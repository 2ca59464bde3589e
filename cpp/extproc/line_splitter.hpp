// Bytes as they come from a pipe, cut into lines.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace scabbard::extproc {

/// Of a line longer than `longest` bytes only the beginning is kept. One thread.
class LineSplitter {
 public:
  /// How much of a line that is too long is kept: its id is near its beginning.
  static constexpr std::size_t kBeginning = 256;

  explicit LineSplitter(std::size_t longest) : longest_(longest) {}

  /// Called for each line, without its end; `is_whole` is false where only its beginning is left.
  using Take = std::function<void(std::string line, bool is_whole)>;
  void feed(std::string_view bytes, const Take& take);

  /// A line has begun and not ended.
  bool is_in_line() const { return !line_.empty(); }

 private:
  void append(std::string_view piece);

  const std::size_t longest_;
  std::string line_;
  bool is_too_long_ = false;
};

}  // namespace scabbard::extproc
