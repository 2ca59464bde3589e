// credential_process: a program that writes credentials to its standard output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard::s3 {

/// The words of a command, by the rules of a shell for quotes and backslashes and nothing else: as the AWS CLI, no
/// shell runs it. kInvalidArgument where a quote is not closed, or there is no word.
Result<std::vector<std::string>> split_command(std::string_view command);

/// Runs a program found on PATH and gives what it wrote to its standard output, up to 1 MiB; its standard input is
/// empty, what it writes to standard error is dropped, for it may hold secrets. When the context ends, it and its
/// children are killed. Errors name the program and none of its arguments.
Result<std::string> run_program(const Context& ctx, const std::vector<std::string>& words);

}  // namespace scabbard::s3
