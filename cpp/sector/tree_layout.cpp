#include "sector/tree_layout.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>

namespace scabbard::sector {
namespace {

constexpr unsigned kMostRowsDiscarded = 2;
constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

constexpr std::array kShapes = {
    Shape{.name = "2KiB", .sector_size = 2 * kKiB, .trees = 1, .leaves_per_tree = 64},
    Shape{.name = "8MiB", .sector_size = 8 * kMiB, .trees = 1, .leaves_per_tree = 262'144},
    Shape{.name = "512MiB", .sector_size = 512 * kMiB, .trees = 1, .leaves_per_tree = 16'777'216},
    Shape{.name = "32GiB", .sector_size = 32 * kGiB, .trees = 8, .leaves_per_tree = 134'217'728},
    Shape{.name = "64GiB", .sector_size = 64 * kGiB, .trees = 16, .leaves_per_tree = 134'217'728},
};

}  // namespace

Node last_node(std::span<const std::byte> bytes) {
  Node node;
  std::ranges::copy(bytes.last(node.size()), node.begin());
  return node;
}

const Shape* shape_of(std::uint64_t sector_size) {
  const auto* shape = std::ranges::find(kShapes, sector_size, &Shape::sector_size);
  return shape == kShapes.end() ? nullptr : shape;
}

const Shape* shape_named(std::string_view name) {
  const auto* shape = std::ranges::find(kShapes, name, &Shape::name);
  return shape == kShapes.end() ? nullptr : shape;
}

std::string tree_file_name(const Shape& shape, unsigned tree) {
  return shape.trees == 1 ? "sc-02-data-tree-r-last.dat" : fmt::format("sc-02-data-tree-r-last-{}.dat", tree);
}

TreeLayout::TreeLayout(const Shape& shape, unsigned rows_discarded)
    : leaves_(shape.leaves_per_tree),
      root_level_(static_cast<unsigned>(std::countr_zero(shape.leaves_per_tree)) / kBitsPerLevel),
      rows_discarded_(rows_discarded) {}

std::optional<TreeLayout> TreeLayout::of_file(const Shape& shape, std::uint64_t size) {
  for (unsigned rows = 0; rows <= kMostRowsDiscarded; ++rows) {
    const TreeLayout layout(shape, rows);
    if (layout.first_level() <= layout.root_level() && layout.size() == size) return layout;
  }
  return std::nullopt;
}

// default_rows_to_discard of storage-proofs-core. Of `rows` the leaves are one.
TreeLayout TreeLayout::usual(const Shape& shape) {
  const unsigned rows = TreeLayout(shape, 0).root_level() + 1;
  if (rows <= 3) return {shape, rows == 3 ? 1U : 0U};
  return {shape, std::min(rows - 2, kMostRowsDiscarded)};
}

std::uint64_t TreeLayout::offset(unsigned level) const {
  std::uint64_t nodes_below = 0;
  for (unsigned below = first_level(); below < level; ++below) nodes_below += nodes(below);
  return nodes_below * kNodeSize;
}

}  // namespace scabbard::sector
