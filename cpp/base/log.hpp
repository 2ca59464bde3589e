// Logging to stderr, set once per process by SCABBARD_LOG, or set_default(): a level (trace, debug, info, warn, error,
// off; default warn), optionally followed by ",json". Every line passes redacted() first. Safe from any thread.
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace scabbard::log {

enum class Level { kTrace, kDebug, kInfo, kWarn, kError };

/// What counts where SCABBARD_LOG says nothing: a literal. Heeded until the first line.
void set_default(const char* setting);
/// What each line begins with from now on: such as what wipes a line of progress.
void begin_lines_with(std::string_view text);

bool enabled(Level level) noexcept;
void write(Level level, std::string_view line) noexcept;

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug)) write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo)) write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarn)) write(Level::kWarn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kError)) write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace scabbard::log
