#include "sector/manifest.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/log.hpp"
#include "base/numbers.hpp"

namespace scabbard::sector {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMostManifest = std::uint64_t{64} << 20;  // bytes; of 40 objects some 6,000

std::unexpected<Error> malformed() {
  return fail(ErrorCode::kInvalidArgument, "it is no manifest of a sector; remove it, nothing else is lost");
}

Result<std::string> read_text(const Context& ctx, Store& store, const std::string& object) {
  auto reader = store.open(ctx, object);
  if (!reader) return fail(std::move(reader).error());
  if ((*reader)->info().size > kMostManifest) return malformed();
  std::string text((*reader)->info().size, '\0');
  for (std::size_t have = 0; have < text.size();) {
    auto got = (*reader)->read(ctx, std::as_writable_bytes(std::span(text)).subspan(have));
    if (!got) return fail(std::move(got).error());
    if (*got == 0) return fail(ErrorCode::kChanged, "it became shorter while it was read");
    have += *got;
  }
  return text;
}

Error about(Error error, const Store& store, const std::string& object) {
  error.message = fmt::format("manifest {}: {}", store.location(object), error.message);
  return error;
}

}  // namespace

std::string manifest_name(const SectorId& id) { return fmt::format("{}/{}.json", kManifestFolder, to_string(id)); }

std::optional<SectorId> manifest_sector(std::string_view object) {
  constexpr std::string_view kSuffix = ".json";
  const std::string folder = fmt::format("{}/", kManifestFolder);
  if (!object.starts_with(folder) || !object.ends_with(kSuffix)) return std::nullopt;
  object.remove_prefix(folder.size());
  object.remove_suffix(std::min(kSuffix.size(), object.size()));
  auto id = parse_sector_id(object);
  return id ? std::optional(*id) : std::nullopt;
}

Result<Manifest> parse_manifest(std::string_view text) {
  Manifest manifest;
  try {
    const Json json = Json::parse(text);
    for (const Json& object : json.at("objects")) {
      ManifestEntry entry{.size = object.at("size"),
                          .crc32c = std::nullopt,
                          .version = object.value("version", std::string()),
                          .copied_from = object.value("copied_from", std::string())};
      if (const auto sum = object.find("crc32c"); sum != object.end()) {
        entry.crc32c = whole_number<std::uint32_t>(sum->get<std::string>(), 16);
        if (!entry.crc32c) return malformed();
      }
      manifest.objects.emplace(object.at("name"), std::move(entry));
    }
  } catch (const Json::exception&) {
    return malformed();
  }
  return manifest;
}

std::string manifest_text(const SectorId& id, const Manifest& manifest) {
  Json objects = Json::array();
  for (const auto& [name, entry] : manifest.objects) {
    Json object = {{"name", name}, {"size", entry.size}};
    if (entry.crc32c) object["crc32c"] = fmt::format("{:08x}", *entry.crc32c);
    if (!entry.version.empty()) object["version"] = entry.version;
    if (!entry.copied_from.empty()) object["copied_from"] = entry.copied_from;
    objects.push_back(std::move(object));
  }
  const Json json = {{"sector", to_string(id)}, {"objects", std::move(objects)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> read_manifest(const Context& ctx, Store& store, const SectorId& id) {
  const std::string object = manifest_name(id);
  auto text = read_text(ctx, store, object);
  if (!text && text.error().code == ErrorCode::kNotFound) return Manifest();
  auto manifest = text ? parse_manifest(*text) : fail(std::move(text).error());
  if (!manifest) return fail(about(std::move(manifest).error(), store, object));
  return manifest;
}

Result<Manifest> known_manifest(const Context& ctx, Store& store, const SectorId& id) {
  auto manifest = read_manifest(ctx, store, id);
  if (!manifest && manifest.error().code == ErrorCode::kInvalidArgument) return Manifest();
  return manifest;
}

Result<void> write_manifest(const Context& ctx, Store& store, const SectorId& id, const Manifest& manifest) {
  const std::string text = manifest_text(id, manifest);
  if (text.size() > kMostManifest) {
    log::warn("{} would be too long: nothing is noted of that sector", store.location(manifest_name(id)));
    return {};
  }
  auto writer = store.create(ctx, manifest_name(id), {.exclusive = false, .length = text.size()});
  if (!writer) return fail(std::move(writer).error());
  if (auto written = (*writer)->write(ctx, std::as_bytes(std::span(text))); !written) return written;
  if (auto finished = (*writer)->finish(ctx); !finished) return fail(std::move(finished).error());
  return {};
}

Result<void> note_written(const Context& ctx, Store& store, const SectorId& id, const Manifest& written,
                          std::string_view replaced) {
  auto known = known_manifest(ctx, store, id);
  if (!known) return fail(std::move(known).error());
  const std::string folder = fmt::format("{}/", replaced);
  std::erase_if(known->objects,
                [&](const auto& entry) { return !replaced.empty() && entry.first.starts_with(folder); });
  for (const auto& [name, entry] : written.objects) known->objects.insert_or_assign(name, entry);
  return write_manifest(ctx, store, id, *known);
}

}  // namespace scabbard::sector
