// Removing folders that hold nothing any more.
#pragma once

#include <memory>

#include "store/posix/volume.hpp"

namespace scabbard::posix {

/// Store::remove_folder.
Result<void> remove_empty_folders(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view folder);

}  // namespace scabbard::posix
