// The rules for object names that every backend shares (see store.hpp).
#pragma once

#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard {

/// First letters of a writer's temporary, in any folder.
inline constexpr std::string_view kTemporaryPrefix = ".scabbard-tmp-";

/// The name of what is called `name` in a folder (empty: the store itself).
std::string joined(std::string_view folder, std::string_view name);

/// kInvalidPath, naming the rule that is broken.
Result<void> check_object_name(std::string_view object);

}  // namespace scabbard
