#include "sector/sector_files.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sector/read_plan.hpp"
#include "sector/tree_layout.hpp"

namespace scabbard::sector {
namespace {

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
      expect(cache + "/" + tree_file_name(*shape, tree),
             [&](std::uint64_t size) { return TreeLayout::of_file(*shape, size).has_value(); });
    }
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

std::vector<Flaw> flaws_of(const SectorId& id, std::span<const FoundObject> found) {
  Sizes sizes;
  for (const FoundObject& one : found) sizes.emplace(one.object, one.size);
  return FilesCheck(id, sizes).run();
}

}  // namespace scabbard::sector
