#include "sector/verification.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "sector/manifest.hpp"
#include "store/object_name.hpp"
#include "store/object_sum.hpp"

namespace scabbard::sector {
namespace {

class Check {
 public:
  Check(const Context& ctx, const Verification& verification, const std::optional<SectorId>& id)
      : ctx_(ctx), verification_(verification), id_(id) {}

  // What is noted of the sector; false where that cannot be found out now.
  bool read_notes() {
    if (!id_) return true;
    auto manifest = read_manifest(ctx_, verification_.store, *id_);
    if (manifest) {
      noted_ = *std::move(manifest);
      return true;
    }
    if (manifest.error().code != ErrorCode::kInvalidArgument) {
      verification_.tell(fail(std::move(manifest).error()));
      return false;
    }
    // A check that was lost is to be noticed; the objects themselves may well be in order.
    wrong({.name = manifest_name(*id_), .size = 0, .version = {}}, "is no manifest; remove it, nothing else is lost");
    return true;
  }

  void look_at(const StoredObject& object) {
    const auto found = noted_.objects.find(object.name);
    const ManifestEntry* noted = found == noted_.objects.end() ? nullptr : &found->second;
    if (verification_.depth == Depth::kSizes) return tell_size(object, noted);
    auto summed = sum_object(ctx_, verification_.store, object.name, verification_.progress);
    if (!summed) return verification_.tell(fail(std::move(summed).error()));
    tell_content(object.name, *summed, noted);
  }

  void wrong(const StoredObject& object, std::string what) const {
    verification_.tell(Finding{
        .object = object.name, .size = object.size, .verdict = Verdict::kWrong, .what = std::move(what), .crc32c = {}});
  }

  // What is noted and not among `objects`, of a folder (empty: the store).
  void look_for_missing(const std::string& folder, std::span<const StoredObject> objects) const {
    for (const auto& [name, noted] : noted_.objects) {
      if (!lies_in(name, folder) || std::ranges::find(objects, name, &StoredObject::name) != objects.end()) continue;
      wrong({.name = name, .size = noted.size, .version = {}}, "is missing");
    }
  }

 private:
  void tell_size(const StoredObject& object, const ManifestEntry* noted) const {
    Finding finding{.object = object.name, .size = object.size, .verdict = Verdict::kOk, .what = {}, .crc32c = {}};
    if (noted != nullptr && noted->size != object.size) set_wrong_size(finding, *noted, object.version);
    verification_.tell(std::move(finding));
  }

  void tell_content(const std::string& object, const SummedObject& content, const ManifestEntry* noted) const {
    Finding finding{
        .object = object, .size = content.info.size, .verdict = Verdict::kOk, .what = {}, .crc32c = content.crc32c};
    if (noted != nullptr && noted->size != finding.size) {
      set_wrong_size(finding, *noted, content.info.version);
    } else if (noted == nullptr || !noted->crc32c) {
      finding.verdict = Verdict::kUnknown;
    } else if (*noted->crc32c != content.crc32c) {
      set_wrong_sum(finding, *noted, content.info.version);
    }
    verification_.tell(std::move(finding));
  }

  static void set_wrong_size(Finding& finding, const ManifestEntry& noted, const std::string& version) {
    set_other(finding, fmt::format("has {} bytes, and was written with {}", finding.size, noted.size), noted, version);
  }

  static void set_wrong_sum(Finding& finding, const ManifestEntry& noted, const std::string& version) {
    set_other(finding,
              fmt::format("has the CRC-32C {:08x}, and was written with {:08x}", *finding.crc32c, *noted.crc32c), noted,
              version);
  }

  static void set_other(Finding& finding, std::string how, const ManifestEntry& noted, const std::string& version) {
    const bool is_that_version = version == noted.version;
    finding.verdict = is_that_version ? Verdict::kWrong : Verdict::kChanged;
    finding.what = std::move(how);
    if (!is_that_version) finding.what += "; another program has replaced it since, or damaged it";
  }

  const Context& ctx_;
  const Verification& verification_;
  const std::optional<SectorId>& id_;
  Manifest noted_;
};

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kUnknown:
      return "no sum known";
    case Verdict::kChanged:
      return "changed";
    case Verdict::kWrong:
      return "wrong";
  }
  return {};
}

void verify_sector(const Context& ctx, const Verification& verification, const Sector& sector) {
  std::optional<SectorId> id = sector.id;
  Check check(ctx, verification, id);
  if (!check.read_notes()) return;
  std::map<std::string, std::string, std::less<>> flaws;
  for (Flaw& flaw : sector.flaws()) flaws.emplace(std::move(flaw.object), std::move(flaw.what));
  for (const StoredObject& object : sector.objects) {
    if (ctx.ended()) return;
    if (auto flaw = flaws.extract(object.name)) {
      check.wrong(object, std::move(flaw.mapped()));
    } else {
      check.look_at(object);
    }
  }
  for (auto& [object, what] : flaws) check.wrong({.name = object, .size = 0, .version = {}}, what);
}

void verify_objects(const Context& ctx, const Verification& verification, const std::optional<SectorId>& id,
                    std::span<const StoredObject> objects, const std::optional<std::string>& listed) {
  Check check(ctx, verification, id);
  if (!check.read_notes()) return;
  for (const StoredObject& object : objects) {
    if (ctx.ended()) return;
    check.look_at(object);
  }
  if (listed) check.look_for_missing(*listed, objects);
}

}  // namespace scabbard::sector
