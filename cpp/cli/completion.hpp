// Completion scripts for shells, made from the command line's own definitions.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace scabbard::cli {

/// For "bash", "zsh" or "fish".
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace scabbard::cli
