#include "sector/sectors.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "sector/manifest.hpp"
#include "store/listing.hpp"

namespace scabbard::sector {
namespace {

StoredObject stored(std::string name, ObjectInfo info) {
  return {.name = std::move(name), .size = info.size, .version = std::move(info.version)};
}

Result<void> find_files(const Context& ctx, Store& store, const std::string& folder,
                        std::vector<StoredObject>& objects) {
  return for_each_entry(ctx, store, {.folder = folder}, [&](ListEntry& entry) -> Result<void> {
    objects.push_back(stored(std::move(entry.name), std::move(entry.info)));
    return {};
  });
}

Result<void> find_object(const Context& ctx, Store& store, const std::string& name,
                         std::vector<StoredObject>& objects) {
  auto info = store.stat(ctx, name);
  if (info) {
    objects.push_back(stored(name, *std::move(info)));
    return {};
  }
  // A folder of that name is no object of a sector.
  const bool is_none = info.error().code == ErrorCode::kNotFound || info.error().code == ErrorCode::kNotRegularFile;
  return is_none ? Result<void>() : fail(std::move(info).error());
}

void sort(Sector& sector) { std::ranges::sort(sector.objects, {}, &StoredObject::name); }

}  // namespace

std::uint64_t Sector::bytes() const {
  std::uint64_t sum = 0;
  for (const StoredObject& object : objects) sum += object.size;
  return sum;
}

std::vector<Flaw> Sector::flaws() const {
  std::vector<FoundObject> found;
  found.reserve(objects.size());
  for (const StoredObject& object : objects) found.push_back({.object = object.name, .size = object.size});
  auto flaws = flaws_of(id, found);
  for (const std::string& other : others) {
    std::erase_if(flaws, [&](const Flaw& flaw) { return flaw.object == other; });
    flaws.push_back({other, std::string(kIsNoObject)});
  }
  return flaws;
}

Result<std::vector<Sector>> list_sectors(const Context& ctx, Store& store) {
  std::map<SectorId, Sector> found;
  for (const Kind kind : kKinds) {
    // What lies deeper than a sector's one object is of no sector.
    const ListOptions options{.folder = std::string(folder_of(kind)), .recursive = has_files(kind), .others = true};
    auto listed = for_each_entry(ctx, store, options, [&](ListEntry& entry) -> Result<void> {
      // A link in the place of a whole folder has no file behind its name.
      auto object = entry.is_folder ? std::nullopt : sector_object(entry.name);
      if (!object && entry.is_other) object = sector_object(entry.name + "/file");
      if (!object) return {};
      if (entry.is_other) {
        found[object->id].others.push_back(std::move(entry.name));
        return {};
      }
      found[object->id].objects.push_back(stored(std::move(entry.name), std::move(entry.info)));
      return {};
    });
    if (!listed) return fail(std::move(listed).error());
  }
  std::vector<Sector> sectors;
  sectors.reserve(found.size());
  for (auto& [id, sector] : found) {
    sector.id = id;
    sort(sector);
    sectors.push_back(std::move(sector));
  }
  return sectors;
}

Result<Sector> find_sector(const Context& ctx, Store& store, const SectorId& id) {
  Sector sector{.id = id, .objects = {}, .others = {}};
  for (const Kind kind : kKinds) {
    const auto find = has_files(kind) ? find_files : find_object;
    if (auto found = find(ctx, store, name_of(id, kind), sector.objects); !found) return fail(std::move(found).error());
  }
  sort(sector);
  return sector;
}

Result<void> remove_sector(const Context& ctx, Store& store, const Sector& sector) {
  std::vector<ObjectRemoval> removals;
  removals.reserve(sector.objects.size());
  for (const StoredObject& object : sector.objects) removals.push_back({.object = object.name});
  store.remove_many(ctx, removals);
  // Where one is gone already, somebody was quicker.
  const auto is_gone = [](const Result<void>& removed) {
    return removed || removed.error().code == ErrorCode::kNotFound;
  };
  for (const ObjectRemoval& removal : removals) {
    if (!is_gone(removal.result)) return removal.result;
  }
  // With what uploads that died have left of its objects.
  for (const Kind kind : kKinds) {
    if (auto removed = store.remove_folder(ctx, name_of(sector.id, kind)); !removed) return removed;
  }
  auto removed = store.remove(ctx, manifest_name(sector.id));
  return is_gone(removed) ? Result<void>() : removed;
}

}  // namespace scabbard::sector
