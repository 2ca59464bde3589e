// Walking the folders of a file store.
#pragma once

#include <memory>
#include <string_view>

#include "scabbard/store.hpp"
#include "store/posix/volume.hpp"

namespace scabbard::posix {

/// What ext4 keeps at the root of a disk.
inline constexpr std::string_view kLostAndFound = "lost+found";

Result<std::unique_ptr<Lister>> list_files(const Context& ctx, std::shared_ptr<Volume> volume,
                                           const ListOptions& options);

}  // namespace scabbard::posix
