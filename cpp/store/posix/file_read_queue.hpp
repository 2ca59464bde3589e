// Many small reads of a file store, on its reader threads.
#pragma once

#include <memory>

#include "scabbard/store.hpp"
#include "store/posix/volume.hpp"

namespace scabbard::posix {

std::unique_ptr<ReadQueue> make_read_queue(std::shared_ptr<Volume> volume);

}  // namespace scabbard::posix
