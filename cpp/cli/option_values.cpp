#include "cli/option_values.hpp"

#include <fmt/core.h>

#include "base/options.hpp"

namespace scabbard::cli {

void report_option(Session& session, std::string_view option, const Error& error) {
  session.report(
      {.code = ErrorCode::kInvalidArgument, .message = fmt::format("{}: {}", option, error.message), .request_id = {}},
      ExitStatus::kUsage);
}

std::optional<Clock::Duration> duration_of(Session& session, std::string_view option, const std::string& text) {
  auto duration = parse_duration(text);
  if (duration) return *duration;
  report_option(session, option, duration.error());
  return std::nullopt;
}

std::optional<std::uint64_t> size_of(Session& session, std::string_view option, const std::string& text) {
  auto size = parse_size(text);
  if (size) return *size;
  report_option(session, option, size.error());
  return std::nullopt;
}

}  // namespace scabbard::cli
