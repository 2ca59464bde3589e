#include "extproc/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace scabbard::extproc {

void LineSplitter::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    std::size_t end = bytes.find('\n');
    append(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    take(std::exchange(line_, {}), !std::exchange(is_too_long_, false));
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::append(std::string_view piece) {
  if (is_too_long_) return;
  is_too_long_ = piece.size() > longest_ - line_.size();
  if (!is_too_long_) {
    line_ += piece;
    return;
  }
  line_ += piece.substr(0, kBeginning);
  line_ = line_.substr(0, kBeginning);  // gives the rest back
}

}  // namespace scabbard::extproc
