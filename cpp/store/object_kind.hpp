// What there is of a name.
#pragma once

#include <string_view>

#include "scabbard/store.hpp"

namespace scabbard {

enum class Kind { kNothing, kObject, kFolder };

/// An empty name is the store, a folder. Stores without folders have those in which there are objects. Where a file is
/// neither file nor folder, as a device, kNotRegularFile.
Result<Kind> kind_of(const Context& ctx, Store& store, std::string_view object);

}  // namespace scabbard
