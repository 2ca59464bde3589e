// Values of options that are not checked while the command line is parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/session.hpp"

namespace scabbard::cli {

/// Says what is wrong with the value of an option.
void report_option(Session& session, std::string_view option, const Error& error);
/// The value of an option; one that is none is reported.
std::optional<Clock::Duration> duration_of(Session& session, std::string_view option, const std::string& text);
std::optional<std::uint64_t> size_of(Session& session, std::string_view option, const std::string& text);

}  // namespace scabbard::cli
