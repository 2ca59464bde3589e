// The manual page scabbard(1), made from the command line's own definitions.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace scabbard::cli {

/// In roff, for man(1).
std::string manual_page(const CLI::App& app);

}  // namespace scabbard::cli
