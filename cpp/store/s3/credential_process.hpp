// credential_process: a program that writes credentials to its standard output.
#pragma once

#include <string>
#include <vector>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard::s3 {

/// Runs a program found on PATH and gives what it wrote to its standard output, up to 1 MiB; its standard input is
/// empty, what it writes to standard error is dropped, for it may hold secrets. When the context ends, it and its
/// children are killed. Errors name the program and none of its arguments.
Result<std::string> run_program(const Context& ctx, const std::vector<std::string>& words);

}  // namespace scabbard::s3
