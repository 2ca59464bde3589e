// Whether objects still are what was written, by the manifests of their sectors.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "scabbard/store.hpp"
#include "sector/sectors.hpp"

namespace scabbard::sector {

enum class Verdict {
  kOk,       ///< as it was written
  kUnknown,  ///< no sum is known of it: it could be read
  kChanged,  ///< another version of it is there than the one whose sum is known, with other bytes
  kWrong,
};

/// "ok", "no sum known", "changed", "wrong".
std::string_view to_string(Verdict verdict);

/// What was found of one object.
struct Finding {
  std::string object;
  std::uint64_t size = 0;  ///< bytes
  Verdict verdict = Verdict::kOk;
  std::string what;                     ///< why, where it is neither ok nor unknown
  std::optional<std::uint32_t> crc32c;  ///< of its bytes, where they were read
};

enum class Depth {
  kSizes,  ///< what listings and manifests tell
  kBytes,  ///< every object is read whole
};

struct Verification {
  Store& store;
  Depth depth = Depth::kBytes;
  /// As in CreateOptions.
  std::atomic<std::uint64_t>* progress = nullptr;
  /// Called once for each object; an error is that of an object that could not be looked at.
  std::function<void(const Result<Finding>&)> tell;
};

/// Looks at the sector as a whole: that nothing is missing, and at each of its objects.
void verify_sector(const Context& ctx, const Verification& verification, const Sector& sector);

/// Looks at objects that are all of that sector, or of none. `listed`: they are all that there is of it in that folder
/// (empty: the store), so that others which are noted are missing.
void verify_objects(const Context& ctx, const Verification& verification, const std::optional<SectorId>& id,
                    std::span<const StoredObject> objects, const std::optional<std::string>& listed);

}  // namespace scabbard::sector
