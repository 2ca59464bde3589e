// What an object really holds.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "scabbard/store.hpp"

namespace scabbard {

/// The CRC-32C of all bytes of an object, read from the store. `progress` as in CreateOptions.
Result<std::uint32_t> object_sum(const Context& ctx, Store& store, std::string_view object,
                                 std::atomic<std::uint64_t>* progress = nullptr);

}  // namespace scabbard
