// A store folder that did not answer when it was opened.
//
// What it is its own sectorstore.json says: where the objects are, how to get at them, that nothing may be
// written. So nothing is done until that can be read: calls are kUnavailable, and the first one that finds the
// folder answering opens the store, which it is from then on. One dead mount does not keep a manager of twenty
// stores from starting.
#pragma once

#include <functional>
#include <memory>

#include "scabbard/store.hpp"
#include "store/posix/bounded_access.hpp"

namespace scabbard {

/// Opens the store of a configuration whose path is the folder of `access`; kUnavailable where that does not
/// answer.
using OpenFolder = std::function<Result<std::shared_ptr<Store>>(StoreConfig config, posix::BoundedAccess& access)>;

std::shared_ptr<Store> make_unread_store(StoreConfig config, std::shared_ptr<posix::BoundedAccess> access,
                                         OpenFolder open);

}  // namespace scabbard
