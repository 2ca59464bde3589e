#include "cli/tree_tops.hpp"

#include "cli/option_values.hpp"

namespace scabbard::cli {

CLI::Option* add_tree_top_options(CLI::App& command, TreeTopOptions& options) {
  command
      .add_option("--cache-size", options.limit,
                  "How much the cache may take (" + options.limit + "): 1.2 MB for each sector of 32 GiB")
      ->type_name("SIZE");
  command
      .add_option(
          "--cache-levels", options.first_level,
          "The lowest level of the trees that is kept (5): 6 takes an eighth of the space, 4 eight times as much")
      ->check(CLI::Range(4, 9))
      ->type_name("N");
  return command
      .add_option(
          "--cache", options.folder,
          "Where to keep the upper levels of trees, on a local disk: the next proof of a sector then reads less "
          "than half as much")
      ->type_name("FOLDER");
}

std::optional<sector::TreeTopCacheOptions> cache_options(Session& session, const TreeTopOptions& options) {
  const auto limit = size_of(session, "--cache-size", options.limit);
  if (!limit) return std::nullopt;
  return sector::TreeTopCacheOptions{.folder = options.folder, .first_level = options.first_level, .limit = *limit};
}

}  // namespace scabbard::cli
