// What has to hold of a copy of a sector's object, whoever makes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scabbard/store.hpp"
#include "sector/manifest.hpp"

namespace scabbard::sector {

/// Of a write after which something else was there (WriteInfo::replaced). kCorrupt.
Error was_replaced(const Store& store, const std::string& object);

/// An object and where its copy is.
struct CopiedObject {
  Store& source;
  const std::string& source_object;
  Store& destination;
  const std::string& object;
};

/// The sum of a copy that was written with the sum `written`, where one is known: what was noted at the source
/// (`noted`, may be null) holds for it, too. kCorrupt where the source's bytes are not those any more; the copy is
/// removed then.
Result<std::optional<std::uint32_t>> sum_of_copy(const Context& ctx, const CopiedObject& copied,
                                                 const ManifestEntry* noted, std::optional<std::uint32_t> written);

}  // namespace scabbard::sector
