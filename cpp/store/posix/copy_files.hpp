// Copying many files from one file store to another.
//
// Syncing costs a round trip to the disk for each file, which is nearly all of the time that small ones take.
// Many are therefore written first, then synced together, and only then renamed: at every moment an object is as
// durable and as whole as one that was copied alone.
#pragma once

#include <memory>
#include <span>

#include "store/posix/volume.hpp"

namespace scabbard::posix {

/// Store::copy_many_from, between two stores of files.
void copy_files(const Context& ctx, const std::shared_ptr<Volume>& volume, Volume& source,
                std::span<ObjectCopy> copies);

}  // namespace scabbard::posix
