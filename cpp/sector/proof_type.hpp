// The proofs of spacetime that damocles asks for, and which leaves of a sector they challenge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scabbard/error.hpp"
#include "sector/tree_layout.hpp"

namespace scabbard::sector {

enum class ProofKind {
  kWinning,    ///< of one sector, for a block
  kWindowV1,   ///< of many; the challenges of a sector depend on its place among them
  kWindowV12,  ///< V1_2: of many, each challenged by itself
};

/// Named as by damocles: "StackedDrgWindow32GiBV1_2".
struct ProofType {
  ProofKind kind = ProofKind::kWinning;
  const Shape* shape = nullptr;  ///< never null

  bool is_winning() const { return kind == ProofKind::kWinning; }
  bool operator==(const ProofType&) const = default;
};
/// kInvalidArgument for any other name.
Result<ProofType> parse_proof_type(std::string_view name);
std::string to_string(const ProofType& type);

/// The randomness of a proof, as it stands in the request.
using Seed = std::array<std::byte, 32>;
/// From 64 hexadecimal digits. kInvalidArgument for anything else, and for what the stock prover refuses: the last byte
/// is less than 0x40, as the manager makes it.
Result<Seed> parse_seed(std::string_view hexadecimal);
/// The same of bytes.
Result<void> check_seed(const Seed& seed);

/// The leaves of the whole replica that are challenged, in the order of the challenges; some may be the same.
/// `rank` is the place of the sector, from 0, among those of the request, sorted and without duplicates.
///
/// sha256(seed || u64le(sector) || u64le(index)), of which the first 8 bytes are a little-endian number, modulo the
/// number of leaves: generate_leaf_challenge of rust-fil-proofs, storage-proofs-post/src/fallback/vanilla.rs.
std::vector<std::uint64_t> challenged_leaves(const ProofType& type, const Seed& seed, std::uint64_t sector,
                                             std::uint64_t rank);

}  // namespace scabbard::sector
