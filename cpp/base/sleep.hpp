#pragma once

#include "scabbard/context.hpp"

namespace scabbard {

/// By the context's clock. False where the context ended.
bool sleep(const Context& ctx, Clock::Duration duration);

}  // namespace scabbard
