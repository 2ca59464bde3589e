// The shapes that tests of sectors use.
#pragma once

#include "sector/tree_layout.hpp"

namespace scabbard::sector {

inline const Shape& k2KiB = *shape_named("2KiB");
inline const Shape& k8MiB = *shape_named("8MiB");
inline const Shape& k32GiB = *shape_named("32GiB");

}  // namespace scabbard::sector
