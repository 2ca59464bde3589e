#include "sector/read_plan.hpp"

#include <algorithm>
#include <utility>

namespace scabbard::sector {
namespace {

// Reads of one file that come sorted, each taken once.
class FileReads {
 public:
  FileReads(ReplicaFile file, std::vector<PlannedRead>& reads) : file_(file), reads_(reads) {}

  void add(std::uint64_t offset, std::uint64_t length) {
    const PlannedRead read{.file = file_, .length = static_cast<std::uint32_t>(length), .offset = offset};
    if (reads_.empty() || reads_.back() != read) reads_.push_back(read);
  }

 private:
  const ReplicaFile file_;
  std::vector<PlannedRead>& reads_;
};

}  // namespace

std::string cache_file_name(const Shape& shape, ReplicaFile file) {
  return file == kPersistentAux ? "p_aux" : tree_file_name(shape, file - kFirstTree);
}

std::uint64_t file_size(const Shape& shape, const TreeLayout& layout, ReplicaFile file) {
  if (file == kSealedFile) return shape.sector_size;
  return file == kPersistentAux ? kPersistentAuxSize : layout.size();
}

std::vector<PlannedRead> plan_reads(const Shape& shape, const TreeLayout& layout, std::vector<std::uint64_t> leaves) {
  std::ranges::sort(leaves);
  const unsigned levels = layout.root_level() - layout.first_level() + 1;
  std::vector<PlannedRead> reads;
  reads.reserve(leaves.size() * levels + shape.trees + 1);

  // A segment lies in one tree: trees begin at multiples of its size.
  const std::uint64_t segment = layout.segment_size();
  FileReads sealed(kSealedFile, reads);
  for (const std::uint64_t leaf : leaves) sealed.add(leaf * kNodeSize / segment * segment, segment);

  FileReads(kPersistentAux, reads).add(0, kPersistentAuxSize);

  auto first = leaves.cbegin();
  for (unsigned tree = 0; tree < shape.trees; ++tree) {
    const std::uint64_t begin = tree * shape.leaves_per_tree;
    const auto last = std::lower_bound(first, leaves.cend(), begin + shape.leaves_per_tree);
    FileReads of_tree(kFirstTree + tree, reads);
    for (unsigned level = layout.first_level(); level < layout.root_level(); ++level) {
      for (auto leaf = first; leaf != last; ++leaf) {
        of_tree.add(layout.group_offset(level, *leaf - begin), TreeLayout::kGroupSize);
      }
    }
    of_tree.add(layout.offset(layout.root_level()), kNodeSize);
    first = last;
  }
  return reads;
}

std::vector<SectorPlan> plan_reads(const ProofType& type, const Seed& seed, std::vector<std::uint64_t> sectors) {
  std::ranges::sort(sectors);
  const auto duplicates = std::ranges::unique(sectors);
  sectors.erase(duplicates.begin(), duplicates.end());

  const TreeLayout layout = TreeLayout::usual(*type.shape);
  std::vector<SectorPlan> plans;
  plans.reserve(sectors.size());
  for (std::uint64_t rank = 0; rank < sectors.size(); ++rank) {
    const std::uint64_t sector = sectors[rank];
    plans.push_back({.sector = sector,
                     .rank = rank,
                     .reads = plan_reads(*type.shape, layout, challenged_leaves(type, seed, sector, rank))});
  }
  return plans;
}

}  // namespace scabbard::sector
