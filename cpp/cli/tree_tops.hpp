// The cache of tree tops, as the provers and `scabbard warm` are told of it.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
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
/// Nothing where that fails, which is reported.
std::unique_ptr<sector::TreeTopCache> open_tree_tops(Session& session, const TreeTopOptions& options);

}  // namespace scabbard::cli
