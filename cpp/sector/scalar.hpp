// The numbers that replicas and trees are made of.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace scabbard::sector {

/// Where in `bytes`, nodes one after the other, the first begins that is no number below the order of BLS12-381's
/// scalar field, little-endian: no sector has one, and the stock prover (rust-fil-proofs, v19) does not survive one.
/// Nothing where all are.
std::optional<std::size_t> first_that_is_no_scalar(std::span<const std::byte> bytes);

}  // namespace scabbard::sector
