// The cache of tree tops, as the provers and `scabbard warm` are told of it.
#pragma once

#include <CLI/CLI.hpp>
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
/// What they say; nothing where that is wrong, which is reported.
std::optional<sector::TreeTopCacheOptions> cache_options(Session& session, const TreeTopOptions& options);

}  // namespace scabbard::cli
