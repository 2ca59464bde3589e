// Which bytes of a sector a proof of spacetime reads. Nothing else of it is read: sparse files with only these ranges,
// at full length, give the same proofs.
//
// Per challenged leaf: the segment of the replica that the discarded levels above it are computed from, and of the
// tree-r-last file that covers it, in each level below the root, the group of siblings on its path. Once per sector:
// the root of every tree file, and p_aux. Source: rust-fil-proofs, filecoin-proofs/src/types/private_replica_info.rs
// and storage-proofs-post/src/fallback/vanilla.rs; merkletree 0.23, LevelCacheStore::read_range_into.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sector/proof_type.hpp"
#include "sector/tree_layout.hpp"

namespace scabbard::sector {

/// The files of a replica that proofs read, numbered: the replica itself, p_aux, and from kFirstTree on its trees.
using ReplicaFile = unsigned;
inline constexpr ReplicaFile kSealedFile = 0;
inline constexpr ReplicaFile kPersistentAux = 1;
inline constexpr ReplicaFile kFirstTree = 2;

/// comm_c, then comm_r_last. Bytes.
inline constexpr std::uint64_t kPersistentAuxSize = 64;

inline constexpr ReplicaFile replica_files(const Shape& shape) { return kFirstTree + shape.trees; }
/// "p_aux", "sc-02-data-tree-r-last-3.dat"; not of the replica itself.
std::string cache_file_name(const Shape& shape, ReplicaFile file);
/// How long it has to be, in bytes.
std::uint64_t file_size(const Shape& shape, const TreeLayout& layout, ReplicaFile file);

struct PlannedRead {
  ReplicaFile file = kSealedFile;
  std::uint32_t length = 0;  ///< bytes
  std::uint64_t offset = 0;  ///< bytes

  bool operator==(const PlannedRead&) const = default;
};

/// The distinct ranges of one sector, by file and offset. `leaves` are those of challenged_leaves().
std::vector<PlannedRead> plan_reads(const Shape& shape, const TreeLayout& layout, std::vector<std::uint64_t> leaves);

/// What is read of one of the sectors of a request.
struct SectorPlan {
  std::uint64_t sector = 0;
  std::uint64_t rank = 0;  ///< as for challenged_leaves()
  std::vector<PlannedRead> reads;
};

/// Of every distinct sector, by number. All are taken to have trees of the usual layout.
std::vector<SectorPlan> plan_reads(const ProofType& type, const Seed& seed, std::vector<std::uint64_t> sectors);

}  // namespace scabbard::sector
