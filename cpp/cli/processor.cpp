#include <cstdio>
#include <cstdlib>
#include <utility>

#include "cli/commands.hpp"
#include "cli/processors.hpp"

namespace scabbard::cli {

void serve(Session& session, const Interruption& interruption, const extproc::LineServerOptions& options,
           extproc::Handler handler) {
  const Error end = extproc::serve_lines(interruption.context(), options, std::move(handler));
  // The end of its parent is the ordinary one.
  if (end.code != ErrorCode::kClosed && end.code != ErrorCode::kCancelled) session.report(end);
}

void end_processor(const Interruption& interruption) {
  interruption.die_if_interrupted();
  std::fflush(stderr);
  std::_Exit(static_cast<int>(ExitStatus::kOther));
}

void add_processor(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("processor", "Serve damocles as an ext-processor");
  command->require_subcommand(1);
  add_transfer(*command, session);
  add_provers(*command, session);
}

}  // namespace scabbard::cli
