// The commands. Each adds itself, its options and what it does to the command line; definitions are one file each.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/session.hpp"

namespace scabbard::cli {

void add_init(CLI::App& app, Session& session);
void add_cp(CLI::App& app, Session& session);
void add_ls(CLI::App& app, Session& session);
void add_stat(CLI::App& app, Session& session);
void add_cat(CLI::App& app, Session& session);
void add_rm(CLI::App& app, Session& session);
void add_du(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_sector(CLI::App& app, Session& session);
void add_plan(CLI::App& app, Session& session);
void add_warm(CLI::App& app, Session& session);
void add_processor(CLI::App& app, Session& session);
void add_version(CLI::App& app, Session& session);
void add_help(CLI::App& app, Session& session);

/// Of `scabbard sector`, those that have a file of their own.
void add_sector_verify(CLI::App& sector, Session& session);
void add_sector_cp(CLI::App& sector, Session& session);
/// Of `scabbard processor`, likewise.
void add_transfer(CLI::App& processor, Session& session);
void add_provers(CLI::App& processor, Session& session);

}  // namespace scabbard::cli
