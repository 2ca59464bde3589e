// How the tree-r-last files of a sector are laid out: the Merkle tree of arity 8 over its replica, without the leaves
// and the levels above them that are cheap to compute again.
//
// Sources: rust-fil-proofs (storage-proofs-core, merkle/tree and util.rs, default_rows_to_discard; filecoin-proofs,
// caches.rs) and merkletree 0.23 (merkle.rs, LevelCacheStore).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace scabbard::sector {

inline constexpr std::uint64_t kNodeSize = 32;  ///< bytes; also of a leaf, which is a piece of the replica
inline constexpr std::uint64_t kArity = 8;
using Node = std::array<std::byte, kNodeSize>;
/// The one that `bytes` end with.
Node last_node(std::span<const std::byte> bytes);

/// A size that damocles seals, and what it is divided into.
struct Shape {
  std::string_view name;          ///< "32GiB", as in the names of proof types
  std::uint64_t sector_size;      ///< bytes
  unsigned trees;                 ///< tree-r-last files; each covers an equal part of the replica, one after the other
  std::uint64_t leaves_per_tree;  ///< nodes, a power of 8

  std::uint64_t leaves() const { return trees * leaves_per_tree; }
};
/// Nothing for a size that is none.
const Shape* shape_of(std::uint64_t sector_size);
/// By its name.
const Shape* shape_named(std::string_view name);

/// "sc-02-data-tree-r-last-3.dat"; of a shape with one tree without the number.
std::string tree_file_name(const Shape& shape, unsigned tree);

/// One tree-r-last file: its levels bottom up, from the first that is kept to the root. Level 0 are the leaves.
class TreeLayout {
 public:
  /// With so many levels above the leaves discarded; the root is not among them.
  TreeLayout(const Shape& shape, unsigned rows_discarded);
  /// Where the file is as long as one of `shape` can be: how many levels were discarded is the sealer's choice. `size`
  /// is in bytes.
  static std::optional<TreeLayout> of_file(const Shape& shape, std::uint64_t size);
  /// As damocles and lotus seal unless they are told otherwise.
  static TreeLayout usual(const Shape& shape);

  unsigned rows_discarded() const { return rows_discarded_; }
  unsigned first_level() const { return rows_discarded_ + 1; }
  unsigned root_level() const { return root_level_; }
  /// How many nodes a level has.
  std::uint64_t nodes(unsigned level) const { return leaves_ >> (kBitsPerLevel * level); }
  /// Where a level begins, in bytes.
  std::uint64_t offset(unsigned level) const;
  /// In bytes, of the whole file.
  std::uint64_t size() const { return offset(root_level_) + kNodeSize; }
  /// How many bytes of the replica are read to compute the discarded levels below one node of the first level.
  std::uint64_t segment_size() const { return kNodeSize << (kBitsPerLevel * first_level()); }

  /// The group of siblings that the path of a leaf passes in a level below the root: where it begins, in bytes. It is
  /// kGroupSize long.
  std::uint64_t group_offset(unsigned level, std::uint64_t leaf) const {
    return offset(level) + ((leaf >> (kBitsPerLevel * level)) / kArity) * kGroupSize;
  }
  static constexpr std::uint64_t kGroupSize = kArity * kNodeSize;

  bool operator==(const TreeLayout&) const = default;

 private:
  static constexpr unsigned kBitsPerLevel = 3;

  std::uint64_t leaves_;
  unsigned root_level_;
  unsigned rows_discarded_;
};

}  // namespace scabbard::sector
