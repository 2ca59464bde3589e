// What staging and the cache of tree tops share: files of this program's own, on a disk of this machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "scabbard/error.hpp"

namespace scabbard::sector {

/// What a system call on a file failed with: kNoSpace, kPermissionDenied, or else kIo.
std::unexpected<Error> file_failed(std::string_view what, const std::string& path, int number);

/// Writes all of `bytes` at `offset`; false with errno where that fails.
bool write_all(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset);
/// Fills `into` from `offset` on; false where that fails, or the file ends before.
bool read_all(int descriptor, std::span<std::byte> into, std::uint64_t offset);

/// A folder in which nobody else may replace files, and so hand the prover other bytes; made where it is missing.
/// kPermissionDenied where others may. `others_may_add`: files of their own, as in /tmp. `purpose` is "staging" or
/// "cache", after which its option is named.
Result<Descriptor> open_private_folder(const std::string& folder, std::string_view purpose, bool others_may_add);

}  // namespace scabbard::sector
