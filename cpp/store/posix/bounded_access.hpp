// Looking at paths outside of any store, which may lie on a mount that hangs: each call takes 5 s at most and
// is kUnavailable then.
#pragma once

#include <optional>
#include <string>

#include "scabbard/error.hpp"

namespace scabbard::posix {

/// The content of a file of at most 1 MiB, nothing where there is none.
Result<std::optional<std::string>> read_small_file(const std::string& path);

/// Whether there is a folder at `path`.
Result<bool> is_folder(const std::string& path);

}  // namespace scabbard::posix
