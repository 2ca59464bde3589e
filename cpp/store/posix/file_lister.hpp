// Walking the folders of a file store.
#pragma once

#include <memory>

#include "scabbard/store.hpp"
#include "store/posix/volume.hpp"

namespace scabbard::posix {

Result<std::unique_ptr<Lister>> list_files(const Context& ctx, std::shared_ptr<Volume> volume,
                                           const ListOptions& options);

/// Store::sweep.
Result<SweepResult> sweep(const Context& ctx, const std::shared_ptr<Volume>& volume);

}  // namespace scabbard::posix
