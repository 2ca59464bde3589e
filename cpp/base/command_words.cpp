#include "base/command_words.hpp"

namespace scabbard {

Result<std::vector<std::string>> split_command(std::string_view command) {
  std::vector<std::string> words;
  bool in_word = false;
  char quotes = '\0';
  for (std::size_t i = 0; i < command.size(); ++i) {
    char c = command[i];
    bool is_space = std::string_view(" \t\r\n").find(c) != std::string_view::npos;
    if (quotes == '\0' && is_space) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    bool is_quotes = c == '"' || c == '\'';
    if (quotes == '\0' ? is_quotes : c == quotes) {
      quotes = quotes == '\0' ? c : '\0';
    } else if (c == '\\' && quotes != '\'' && i + 1 < command.size()) {
      char next = command[++i];
      // Between double quotes a backslash stands for itself before anything else.
      if (quotes == '"' && next != '"' && next != '\\') words.back() += c;
      words.back() += next;
    } else {
      words.back() += c;
    }
  }
  if (quotes != '\0') return fail(ErrorCode::kInvalidArgument, "a quote is not closed");
  if (words.empty() || words.front().empty()) return fail(ErrorCode::kInvalidArgument, "it names no program");
  return words;
}

}  // namespace scabbard
