// What the ext-processors share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/interruption.hpp"
#include "cli/session.hpp"
#include "extproc/line_server.hpp"

namespace scabbard::cli {

/// The value of an option; one that is none is reported.
std::optional<Clock::Duration> duration_of(Session& session, std::string_view option, const std::string& text);

/// Serves until the parent has gone, and ends the process: threads may be left behind.
[[noreturn]] void serve(Session& session, Interruption& interruption, const extproc::LineServerOptions& options,
                        extproc::Handler handler);

}  // namespace scabbard::cli
