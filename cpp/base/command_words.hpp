// Commands that are given as a text and run without a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scabbard/error.hpp"

namespace scabbard {

/// The words of a command, by the rules of a shell for quotes and backslashes and nothing else: as the AWS CLI, no
/// shell runs it. kInvalidArgument where a quote is not closed, or there is no word.
Result<std::vector<std::string>> split_command(std::string_view command);

}  // namespace scabbard
