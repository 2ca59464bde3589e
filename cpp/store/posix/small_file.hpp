// Reading a configuration file from a folder that may hang.
#pragma once

#include <optional>
#include <string>

#include "scabbard/error.hpp"

namespace scabbard::posix {

/// The content of a file of at most 1 MiB, nothing where there is none. Takes 5 s at most: kUnavailable then.
Result<std::optional<std::string>> read_small_file(const std::string& path);

}  // namespace scabbard::posix
