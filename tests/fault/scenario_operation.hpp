// What a scenario asks of a store.
#pragma once

#include "scabbard/store.hpp"
#include "support/scripted_server/scenario.hpp"

namespace scabbard {

/// Carries out a scenario's operation; kCorrupt where it succeeds with anything but what the server has.
Result<void> carry_out(const scripted::Scenario& scenario, const Context& ctx, Store& store,
                       scripted::ScriptedServer& server);

}  // namespace scabbard
