// What an object really holds.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "scabbard/store.hpp"

namespace scabbard {

struct SummedObject {
  ObjectInfo info;           ///< of what was read; `size` is how much that was
  std::uint32_t crc32c = 0;  ///< of all bytes
};

/// Reads an object from the store, from beginning to end. `progress` as in CreateOptions.
Result<SummedObject> sum_object(const Context& ctx, Store& store, std::string_view object,
                                std::atomic<std::uint64_t>* progress = nullptr);

}  // namespace scabbard
