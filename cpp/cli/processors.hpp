// What the ext-processors share.
#pragma once

#include "cli/interruption.hpp"
#include "cli/session.hpp"
#include "extproc/line_server.hpp"

namespace scabbard::cli {

/// Serves until the parent has gone.
void serve(Session& session, const Interruption& interruption, const extproc::LineServerOptions& options,
           extproc::Handler handler);
/// Ends the process after that: threads may be left behind.
[[noreturn]] void end_processor(const Interruption& interruption);

}  // namespace scabbard::cli
