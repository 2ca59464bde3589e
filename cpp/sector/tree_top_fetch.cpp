#include "sector/tree_top_fetch.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "sector/replica_fetch.hpp"

namespace scabbard::sector {
namespace {

Result<Node> read_comm_r_last(const Context& ctx, Store& store, const std::string& object) {
  std::array<std::byte, kPersistentAuxSize> bytes;
  RangeRead read;
  read.object = object;
  read.into = bytes;
  if (auto done = store.read(ctx, {&read, 1}); !done) return fail(std::move(done).error());
  if (!read.got) return fail(read.got.error());
  if (*read.got < bytes.size()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} has {} bytes, and has to have {}", quote(object), read.object_size, bytes.size()));
  }
  return last_node(bytes);
}

// The layout of the trees whose ends were read.
Result<TreeLayout> layout_of(const Shape& shape, unsigned first_level, const std::vector<RangeRead>& ends) {
  std::optional<TreeLayout> layout;
  for (const RangeRead& end : ends) {
    if (!end.got) return fail(end.got.error());
    const auto of_this = TreeLayout::of_file(shape, end.object_size);
    const bool is_alike = of_this && (!layout || layout == of_this) && of_this->first_level() <= first_level;
    if (!is_alike || *end.got < end.into.size()) {
      return fail(ErrorCode::kCorrupt, fmt::format("{} has {} bytes, which no tree of such a sector has",
                                                   quote(end.object), end.object_size));
    }
    layout = of_this;
  }
  return *layout;
}

}  // namespace

Result<bool> keep_tree_tops(const Context& ctx, TreeTopCache& cache, const Shape& shape, const Location& cache_folder) {
  Store& store = *cache_folder.store;
  const std::string p_aux = cache_object(cache_folder, shape, kPersistentAux);
  const auto comm_r_last = read_comm_r_last(ctx, store, p_aux);
  if (!comm_r_last) return fail(comm_r_last.error());
  if (cache.find(shape, *comm_r_last)) return false;

  // From the end on, however many levels were discarded below.
  const unsigned first_level = cache.first_level(shape);
  const TreeLayout usual = TreeLayout::usual(shape);
  const std::uint64_t length = usual.size() - usual.offset(first_level);
  std::vector<std::byte> bytes(shape.trees * length);
  std::vector<std::string> objects;
  for (ReplicaFile file = kFirstTree; file < replica_files(shape); ++file) {
    objects.push_back(cache_object(cache_folder, shape, file));
  }
  std::vector<RangeRead> ends(shape.trees);
  for (unsigned tree = 0; tree < shape.trees; ++tree) {
    ends[tree].object = objects[tree];
    ends[tree].offset = -static_cast<std::int64_t>(length);
    ends[tree].into = std::span(bytes).subspan(tree * length, length);
  }
  if (auto done = store.read(ctx, ends); !done) return fail(std::move(done).error());
  const auto layout = layout_of(shape, first_level, ends);
  if (!layout) return fail(layout.error());

  const auto still = read_comm_r_last(ctx, store, p_aux);
  if (!still) return fail(still.error());
  if (*still != *comm_r_last) {
    return fail(ErrorCode::kChanged, fmt::format("{} was replaced while its trees were read", quote(p_aux)));
  }
  if (shape.trees == 1 && last_node(bytes) != *comm_r_last) {
    return fail(ErrorCode::kCorrupt, fmt::format("{} ends with another root than p_aux names", quote(objects[0])));
  }
  if (auto kept = cache.keep(shape, *comm_r_last, *layout, bytes); !kept) return fail(std::move(kept).error());
  return true;
}

}  // namespace scabbard::sector
