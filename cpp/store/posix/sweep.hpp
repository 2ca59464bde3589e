// Removing what writers left that died: their temporaries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "scabbard/store.hpp"
#include "store/posix/volume.hpp"

namespace scabbard::posix {

/// Store::sweep.
Result<SweepResult> sweep(const Context& ctx, const std::shared_ptr<Volume>& volume);
/// Store::sweep_folder.
Result<SweepResult> sweep_folder(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view folder);

/// Removes a temporary of this host unless its writer lives. Its size in bytes; nothing where it stays.
Result<std::optional<std::uint64_t>> remove_if_dead(Operation& op, const std::string& path);

}  // namespace scabbard::posix
