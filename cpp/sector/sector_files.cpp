#include "sector/sector_files.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

namespace scabbard::sector {
namespace {

constexpr std::uint64_t kNode = 32;  // bytes
constexpr std::uint64_t kPersistentAuxSize = 64;
constexpr unsigned kMostRowsDiscarded = 2;
constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

constexpr std::array kShapes = {
    Shape{.sector_size = 2 * kKiB, .trees = 1, .leaves_per_tree = 64},
    Shape{.sector_size = 8 * kMiB, .trees = 1, .leaves_per_tree = 262'144},
    Shape{.sector_size = 512 * kMiB, .trees = 1, .leaves_per_tree = 16'777'216},
    Shape{.sector_size = 32 * kGiB, .trees = 8, .leaves_per_tree = 134'217'728},
    Shape{.sector_size = 64 * kGiB, .trees = 16, .leaves_per_tree = 134'217'728},
};

// A replica and the folder of what belongs to it.
struct Generation {
  Kind replica;
  Kind cache;
};
constexpr std::array kGenerations = {Generation{Kind::kSealed, Kind::kCache},
                                     Generation{Kind::kUpdate, Kind::kUpdateCache}};

using Sizes = std::map<std::string, std::uint64_t, std::less<>>;

class FilesCheck {
 public:
  FilesCheck(const SectorId& id, const Sizes& found) : id_(id), found_(found) {}

  std::vector<Flaw> run() && {
    bool any = false;
    for (const Generation& generation : kGenerations) {
      const bool is_there = has(generation.replica) || has(generation.cache);
      if (is_there) check(generation);
      any |= is_there;
    }
    if (!any) missing(name_of(id_, Kind::kSealed), has(Kind::kUnsealed) ? "; only its unsealed data is here" : "");
    return std::move(flaws_);
  }

 private:
  bool has(Kind kind) const {
    const std::string name = name_of(id_, kind);
    if (!has_files(kind)) return found_.contains(name);
    const auto next = found_.lower_bound(name + "/");
    return next != found_.end() && next->first.starts_with(name + "/");
  }

  void missing(std::string object, std::string_view remark = "") {
    flaws_.push_back({std::move(object), fmt::format("is missing{}", remark)});
  }

  void check(const Generation& generation) {
    const std::string replica = name_of(id_, generation.replica);
    const std::string cache = name_of(id_, generation.cache);
    expect(cache + "/p_aux", [](std::uint64_t size) { return size == kPersistentAuxSize; });
    expect(cache + "/t_aux", [](std::uint64_t size) { return size > 0; });
    const auto found = found_.find(replica);
    if (found == found_.end()) return missing(replica);
    const Shape* shape = shape_of(found->second);
    if (shape == nullptr) return wrong_size(replica, found->second);
    for (unsigned tree = 0; tree < shape->trees; ++tree) {
      expect(cache + "/" + tree_file_name(*shape, tree), [&](std::uint64_t size) { return is_tree(*shape, size); });
    }
  }

  // How many rows were discarded is the sealer's choice.
  static bool is_tree(const Shape& shape, std::uint64_t size) {
    for (unsigned rows = 0; rows <= kMostRowsDiscarded; ++rows) {
      if (size > 0 && size == tree_file_size(shape, rows)) return true;
    }
    return false;
  }

  template <class IsRight>
  void expect(const std::string& object, IsRight is_right) {
    const auto found = found_.find(object);
    if (found == found_.end()) return missing(object);
    if (!is_right(found->second)) wrong_size(object, found->second);
  }

  void wrong_size(const std::string& object, std::uint64_t size) {
    flaws_.push_back({object, fmt::format("has {} bytes, which no such file of a sector has", size)});
  }

  const SectorId& id_;
  const Sizes& found_;
  std::vector<Flaw> flaws_;
};

}  // namespace

std::string_view folder_of(Kind kind) {
  switch (kind) {
    case Kind::kSealed:
      return "sealed";
    case Kind::kCache:
      return "cache";
    case Kind::kUpdate:
      return "update";
    case Kind::kUpdateCache:
      return "update-cache";
    case Kind::kUnsealed:
      return "unsealed";
  }
  return {};
}

std::string name_of(const SectorId& id, Kind kind) { return fmt::format("{}/{}", folder_of(kind), to_string(id)); }

std::optional<SectorObject> sector_object(std::string_view object) {
  const std::size_t slash = object.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto* kind = std::ranges::find(kKinds, object.substr(0, slash), folder_of);
  if (kind == kKinds.end()) return std::nullopt;
  std::string_view name = object.substr(slash + 1);
  std::string_view file;
  if (has_files(*kind)) {
    const std::size_t end = name.find('/');
    if (end == std::string_view::npos) return std::nullopt;
    file = name.substr(end + 1);
    name = name.substr(0, end);
  }
  auto id = parse_sector_id(name);
  if (!id) return std::nullopt;
  return SectorObject{.id = *id, .kind = *kind, .file = std::string(file)};
}

const Shape* shape_of(std::uint64_t sector_size) {
  const auto* shape = std::ranges::find(kShapes, sector_size, &Shape::sector_size);
  return shape == kShapes.end() ? nullptr : shape;
}

std::uint64_t tree_file_size(const Shape& shape, unsigned rows_discarded) {
  std::uint64_t nodes = 0;
  for (std::uint64_t level = shape.leaves_per_tree >> (3 * (rows_discarded + 1)); level > 0; level /= 8) nodes += level;
  return nodes * kNode;
}

std::string tree_file_name(const Shape& shape, unsigned tree) {
  return shape.trees == 1 ? "sc-02-data-tree-r-last.dat" : fmt::format("sc-02-data-tree-r-last-{}.dat", tree);
}

std::vector<Flaw> flaws_of(const SectorId& id, std::span<const FoundObject> found) {
  Sizes sizes;
  for (const FoundObject& one : found) sizes.emplace(one.object, one.size);
  return FilesCheck(id, sizes).run();
}

}  // namespace scabbard::sector
