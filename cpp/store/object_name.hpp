// The rules for object names that every backend shares (see store.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scabbard/error.hpp"

namespace scabbard {

/// First letters of a writer's temporary, in any folder.
inline constexpr std::string_view kTemporaryPrefix = ".scabbard-tmp-";

/// The name of what is called `name` in a folder (empty: the store itself).
std::string joined(std::string_view folder, std::string_view name);

/// Whether a name lies in a folder, be it deep; an empty folder is that of all.
bool lies_in(std::string_view name, std::string_view folder);

/// "a/b" and "a", of "a/b/c".
std::vector<std::string> folders_above(std::string_view name);

/// kInvalidPath, naming the rule that is broken.
Result<void> check_object_name(std::string_view object);

}  // namespace scabbard
