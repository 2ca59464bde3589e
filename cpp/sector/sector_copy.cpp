#include "sector/sector_copy.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "sector/copy_check.hpp"
#include "store/copy.hpp"

namespace scabbard::sector {
namespace {

// From here on an object is worth a manifest of its own: it takes longer to copy than that to write.
constexpr std::uint64_t kLarge = std::uint64_t{64} << 20;  // bytes

// A context that has ended still has what was done noted.
constexpr auto kTimeToNote = std::chrono::seconds(30);

// What a manifest knows of that version of an object.
const ManifestEntry* entry_of(const Manifest& manifest, const StoredObject& object) {
  const auto entry = manifest.objects.find(object.name);
  if (entry == manifest.objects.end()) return nullptr;
  const bool is_it = entry->second.version == object.version && entry->second.size == object.size;
  return is_it ? &entry->second : nullptr;
}

// `copy` is known of what is there now. That it is as long says nothing: sectors are all of one length.
bool is_copy(const StoredObject& object, const ManifestEntry* source, const ManifestEntry* copy) {
  if (copy == nullptr || copy->size != object.size) return false;
  const bool is_summed = source != nullptr && source->crc32c && copy->crc32c;
  if (is_summed) return *source->crc32c == *copy->crc32c;
  return !copy->copied_from.empty() && copy->copied_from == object.version;
}

class Copying {
 public:
  Copying(const Context& ctx, const SectorCopy& copy, const CopyPlan& plan) : ctx_(ctx), copy_(copy), plan_(plan) {}

  Result<void> run() && {
    std::vector<StoredObject> small;
    std::vector<StoredObject> large;
    for (const StoredObject& object : plan_.missing) (object.size < kLarge ? small : large).push_back(object);
    copy(small);
    for (const StoredObject& object : large) {
      if (failure_ || ctx_.ended()) break;
      copy({&object, 1});
    }
    if (failure_) return fail(*std::move(failure_));
    return ctx_.check(fmt::format("copy of {}", to_string(plan_.id)));
  }

 private:
  void copy(std::span<const StoredObject> objects) {
    if (objects.empty()) return;
    std::vector<FolderEntry> entries;
    entries.reserve(objects.size());
    for (const StoredObject& object : objects) entries.push_back({.name = object.name, .size = object.size});
    const FolderCopy folder{.source = copy_.source,
                            .source_folder = {},
                            .destination = copy_.destination,
                            .destination_folder = {},
                            .options = {.exclusive = false,
                                        .length = {},
                                        .progress = copy_.progress,
                                        .through_link = true,
                                        .resumable = true},
                            .jobs = copy_.jobs};
    copy_entries(ctx_, folder, entries, [&](const ObjectCopy& done) { take(done, objects); });
    note();
  }

  void take(const ObjectCopy& done, std::span<const StoredObject> objects) {
    if (!done.result) return failed(done.result.error());
    const StoredObject& object = *std::ranges::find(objects, done.source, &StoredObject::name);
    if (done.result->replaced) return failed(was_replaced(copy_.destination, object.name));
    // Without a note it is copied again at any rate.
    auto sum = sum_of_copy(ctx_, {copy_.source, object.name, copy_.destination, object.name},
                           entry_of(plan_.known, object), done.result->crc32c);
    if (!sum) return failed(std::move(sum).error());
    written_.objects.insert_or_assign(
        object.name,
        ManifestEntry{
            .size = done.result->size, .crc32c = *sum, .version = done.result->version, .copied_from = object.version});
    if (copy_.tell) copy_.tell(object);
  }

  void failed(Error error) {
    // That the context has ended says nothing that its owner does not know.
    if (!failure_ || failure_->code == ErrorCode::kCancelled) failure_ = std::move(error);
  }

  void note() {
    if (written_.objects.empty()) return;
    auto noted = note_written(ctx_, copy_.destination, plan_.id, written_, {});
    if (!noted && ctx_.ended()) {
      const Context rest = Context().with_clock(ctx_.clock()).with_timeout(kTimeToNote);
      noted = note_written(rest, copy_.destination, plan_.id, written_, {});
    }
    if (!noted) return failed(std::move(noted).error());
    written_.objects.clear();
  }

  const Context& ctx_;
  const SectorCopy& copy_;
  const CopyPlan& plan_;
  Manifest written_;  // and not noted yet
  std::optional<Error> failure_;
};

}  // namespace

Result<CopyPlan> plan_copy(const Context& ctx, Store& source, const Sector& sector, Store& destination,
                           const Sector& there) {
  auto known = known_manifest(ctx, source, sector.id);
  if (!known) return fail(std::move(known).error());
  CopyPlan plan{.id = sector.id, .missing = {}, .there = {}, .known = *std::move(known)};
  // Without objects there is nothing that a manifest could be of.
  auto copies = there.objects.empty() ? Manifest() : known_manifest(ctx, destination, sector.id);
  if (!copies) return fail(std::move(copies).error());
  for (const StoredObject& object : sector.objects) {
    const auto copy = std::ranges::find(there.objects, object.name, &StoredObject::name);
    const bool is_there =
        copy != there.objects.end() && is_copy(object, entry_of(plan.known, object), entry_of(*copies, *copy));
    (is_there ? plan.there : plan.missing).push_back(object);
  }
  return plan;
}

Result<void> copy_sector(const Context& ctx, const SectorCopy& copy, const CopyPlan& plan) {
  return Copying(ctx, copy, plan).run();
}

}  // namespace scabbard::sector
