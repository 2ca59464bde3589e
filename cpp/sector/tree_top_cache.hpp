// The upper levels of tree-r-last files, kept on a disk of this machine: most of what proofs read of trees lies there,
// and it never changes.
//
// What is kept of a sector is a file of its own, named by the comm_r_last of its trees: whatever is sealed anew has
// another one. It appears whole, and has a checksum for each of its blocks; a damaged one is removed, and then the
// trees are read where they are. Several processes may use one folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "scabbard/error.hpp"
#include "sector/tree_layout.hpp"

namespace scabbard::sector {

/// The tree tops of one sector.
class TreeTops {
 public:
  /// Of the files that these are the ends of.
  const TreeLayout& layout() const { return layout_; }
  /// Where in each file they begin, in bytes.
  std::uint64_t begin() const { return begin_; }

  /// Fills `into` from an offset in a tree's file on, which is not before begin(). False where that is damaged.
  bool read(unsigned tree, std::uint64_t offset, std::span<std::byte> into) const;

 private:
  friend class TreeTopCache;
  TreeTops(Descriptor file, const Shape& shape, const TreeLayout& layout, unsigned first_level);

  std::uint64_t size_of_one() const { return layout_.size() - begin_; }

  Descriptor file_;
  TreeLayout layout_;
  std::uint64_t begin_;
  std::uint64_t body_size_;
  std::uint64_t body_;               // where in the file the first of them begins
  std::vector<std::uint32_t> sums_;  // of the body's blocks
};

struct TreeTopCacheOptions {
  std::string folder;
  unsigned first_level = 5;                        ///< the lowest one that is kept
  std::uint64_t limit = std::uint64_t{16} << 30U;  ///< bytes that all may take
};

/// Safe from any thread.
class TreeTopCache {
 public:
  /// Makes the folder where it is missing. kPermissionDenied where others may write there.
  static Result<std::unique_ptr<TreeTopCache>> open(TreeTopCacheOptions options);

  /// The lowest level that is kept of trees of a shape.
  unsigned first_level(const Shape& shape) const;

  /// Nothing where they are not kept, damaged, or fewer levels than this cache is to keep.
  std::optional<TreeTops> find(const Shape& shape, const Node& comm_r_last) const;

  /// Keeps the ends of all trees, each from first_level() on, one after the other. What was used in the last two days
  /// makes no room for others: sectors are proven once a day, and a cache that is too small for all of them would
  /// otherwise never have the one that is asked for. kNoSpace where there is none.
  Result<void> keep(const Shape& shape, const Node& comm_r_last, const TreeLayout& layout,
                    std::span<const std::byte> ends);

  void drop(const Node& comm_r_last) const;

 private:
  explicit TreeTopCache(TreeTopCacheOptions options) : options_(std::move(options)) {}

  std::string path_of(const Node& comm_r_last) const;
  Result<void> make_room(std::uint64_t size);
  void count(std::uint64_t needed);  // with the lock held

  const TreeTopCacheOptions options_;
  std::mutex mutex_;
  bool is_counted_ = false;
  std::uint64_t used_ = 0;         // by all, when they were counted, and by this process since then
  std::uint64_t since_count_ = 0;  // of that, by this process
};

}  // namespace scabbard::sector
