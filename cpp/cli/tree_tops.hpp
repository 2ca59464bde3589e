// The cache of tree tops, as the provers and `scabbard warm` are told of it.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cli/session.hpp"
#include "sector/tree_top_cache.hpp"

namespace scabbard::cli {

struct TreeTopOptions {
  std::string folder;  // empty: no cache
  std::string limit = "16GiB";
  unsigned first_level = 5;
};

/// --cache, which is returned, --cache-size and --cache-levels.
CLI::Option* add_tree_top_options(CLI::App& command, TreeTopOptions& options);
/// Nothing where an option is wrong, which is reported.
std::optional<Result<std::unique_ptr<sector::TreeTopCache>>> open_tree_tops(Session& session,
                                                                            const TreeTopOptions& options);

}  // namespace scabbard::cli
