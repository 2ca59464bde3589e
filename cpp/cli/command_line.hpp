// The command line as a whole: parsed here, described here for help, the manual page and the shells' completion.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "cli/session.hpp"

namespace scabbard::cli {

/// Its own commands, in the order that help shows them in.
std::vector<const CLI::App*> commands_of(const CLI::App& app);

/// Adds everything there is to `app`.
void define_command_line(CLI::App& app, Session& session);

/// Runs what the arguments say, and returns what to end with.
int run(int argc, char** argv);

}  // namespace scabbard::cli
