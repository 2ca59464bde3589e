#include "sector/copy_check.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/text.hpp"

namespace scabbard::sector {

Error was_replaced(const Store& store, const std::string& object) {
  return {.code = ErrorCode::kCorrupt,
          .message = fmt::format("{}: it was written, and something else was there right afterwards",
                                 quote(store.location(object))),
          .request_id = {}};
}

Result<std::optional<std::uint32_t>> sum_of_copy(const Context& ctx, const CopiedObject& copied,
                                                 const ManifestEntry* noted, std::optional<std::uint32_t> written) {
  if (noted == nullptr || !noted->crc32c || noted->crc32c == written) return written;
  // Unless it was replaced since, by somebody who noted nothing.
  auto now = copied.source.stat(ctx, copied.source_object);
  if (!now) return fail(std::move(now).error());
  if (now->version != noted->version) return written;
  if (!written) return noted->crc32c;
  const auto removed = copied.destination.remove(ctx, copied.object);
  return fail(
      ErrorCode::kCorrupt,
      fmt::format("{}: it has the CRC-32C {:08x}, and was written with {:08x}: it was damaged since; the copy {}",
                  quote(copied.source.location(copied.source_object)), *written, *noted->crc32c,
                  removed ? "was removed" : "has to be removed: " + removed.error().message));
}

}  // namespace scabbard::sector
