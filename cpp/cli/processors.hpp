// What the ext-processors share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/interruption.hpp"
#include "cli/session.hpp"
#include "extproc/line_server.hpp"

namespace scabbard::cli {

/// Says what is wrong with the value of an option.
void report_option(Session& session, std::string_view option, const Error& error);
/// The value of an option; one that is none is reported.
std::optional<Clock::Duration> duration_of(Session& session, std::string_view option, const std::string& text);

/// Serves until the parent has gone.
void serve(Session& session, const Interruption& interruption, const extproc::LineServerOptions& options,
           extproc::Handler handler);
/// Ends the process after that: threads may be left behind.
[[noreturn]] void end_processor(const Interruption& interruption);

}  // namespace scabbard::cli
