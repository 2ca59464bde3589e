#include "extproc/transfer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "extproc/destinations.hpp"
#include "extproc/patience.hpp"
#include "extproc/replaced_folder.hpp"
#include "extproc/transfer_place.hpp"
#include "extproc/transfer_task.hpp"
#include "extproc/turns.hpp"
#include "sector/copy_check.hpp"
#include "sector/manifest.hpp"
#include "sector/sector_files.hpp"
#include "store/copy.hpp"
#include "store/listing.hpp"
#include "store/local_links.hpp"
#include "store/object_kind.hpp"
#include "store/object_name.hpp"
#include "store/object_sum.hpp"

namespace scabbard::extproc {
namespace {

// One route of a task.
class Route {
 public:
  Route(const Context& ctx, Locator& locator, Destinations& destinations, Turns& turns, const TransferOptions& options,
        const TransferReports& reports, const TransferTask& task, const TransferRoute& route)
      : ctx_(ctx),
        locator_(locator),
        destinations_(destinations),
        options_(options),
        reports_(reports),
        task_(task),
        route_(route),
        title_(fmt::format("transfer of {} to {}", quote(route.source.path), quote(route.destination.path))),
        turn_(turns),
        patience_(ctx, options.give_up_after, reports.tell, turn_) {}

  Result<void> run() {
    if (auto begun = turn_.take(ctx_); !begun) return begun;
    auto from = patiently([&] { return find_place(ctx_, locator_, task_, route_.source, "src"); });
    if (!from) return fail(std::move(from).error());
    auto to = patiently([&] { return find_place(ctx_, locator_, task_, route_.destination, "dest"); });
    if (!to) return fail(std::move(to).error());
    auto kind = patiently([&] { return kind_of(ctx_, *from->store, from->object); });
    if (!kind) return fail(std::move(kind).error());
    if (*kind == Kind::kNothing) {
      return fail(ErrorCode::kNotFound, fmt::format("src path not exists: {}{}", route_.source.path, from->remark()));
    }
    const bool is_folder = *kind == Kind::kFolder;
    auto there = patiently([&] { return kind_of(ctx_, *to->store, to->object); });
    if (!there) return fail(std::move(there).error());
    if (*there != Kind::kNothing && *there != *kind) {
      return refused(fmt::format("dest entry type is different with src, is_dir={}: {}", is_folder, to->path));
    }
    if (is_same(*from, *to, is_folder)) return {};
    if (auto apart = check_apart(*from, *to); !apart) return apart;
    auto mine = claim(to->identity(),
                      [&] { reports_.tell(fmt::format("{} waits for another one to the same place", title_)); });
    if (!mine) return fail(std::move(mine).error());
    const bool both_local = from->is_file_of_this_machine() && to->is_file_of_this_machine() && to->is_local;
    if (both_local && route_.allow_link && options_.links) return patiently([&] { return link(*from, *to); });
    auto done = is_folder ? copy_folder(*from, *to) : copy_object(*from, *to);
    // Of the two ends an error names one.
    if (!done) done.error().message = fmt::format("{}: {}", title_, done.error().message);
    return done;
  }

 private:
  template <class Once>
  std::invoke_result_t<const Once&> patiently(const Once& once) {
    return patience_(title_, once);
  }

  // While it waits for another transfer to the same place, others go on.
  template <class Waits>
  Result<std::shared_ptr<void>> claim(const std::string& place, Waits waits) {
    if (auto mine = destinations_.try_claim(place)) return mine;
    waits();
    turn_.give_back();
    auto mine = destinations_.claim(ctx_, place);
    if (auto again = turn_.take(ctx_); !again) return fail(std::move(again).error());
    return mine;
  }

  Result<void> link(const Place& from, const Place& to) {
    if (is_same_file(from.location(), to.location())) return {};
    if (!is_link_somewhere(to.location())) {
      auto old = ReplacedFolder::look(ctx_, *to.store, to.object, false);  // which refuses to replace a store
      if (!old && old.error().code != ErrorCode::kNotRegularFile) return fail(std::move(old).error());
    }
    return replace_by_link(from.location(), to.location());
  }

  static CreateOptions create_options(bool through_link, TransferDisplay& display) {
    return {
        .exclusive = false, .length = {}, .progress = display.bytes(), .through_link = through_link, .resumable = true};
  }

  // What died here before leaves nothing behind.
  void sweep(const Place& to, const std::string& folder) {
    if (auto swept = to.store->sweep_folder(ctx_, folder); !swept) reports_.tell(swept.error().message);
  }

  Result<void> copy_object(const Place& from, const Place& to) {
    auto info = patiently([&] { return from.store->stat(ctx_, from.object); });
    if (!info) return fail(std::move(info).error());
    const auto display = reports_.begin(title_, 1, info->size);
    sweep(to, to.object.substr(0, to.object.contains('/') ? to.object.rfind('/') : 0));
    // What a link leads to is not to be written to: it may be an object of a store. One to nowhere is a place to fill.
    const bool through_link = !to.is_local || !is_link_somewhere(to.location());
    auto written = patiently([&]() -> Result<void> {
      auto made = scabbard::copy_object(ctx_, *from.store, from.object, *to.store, to.object,
                                        create_options(through_link, *display));
      return made ? take(from, from.object, to, to.object, *made) : fail(std::move(made).error());
    });
    if (!written) return written;
    display->finished_object();
    return note_in_manifest(to, "");
  }

  Result<void> copy_folder(const Place& from, const Place& to) {
    auto entries = patiently([&] { return entries_below(from); });
    if (!entries) return fail(std::move(entries).error());
    const bool replaces_link = to.is_local && is_link_somewhere(to.location());
    auto old = replaces_link ? Result<ReplacedFolder>(ReplacedFolder::link(to.object))
                             : patiently([&] { return ReplacedFolder::look(ctx_, *to.store, to.object, to.is_local); });
    if (!old) return fail(std::move(old).error());
    if (entries->empty() && !old->empty()) {
      return refused(fmt::format("{} is empty, and {} is not: is its disk mounted?", quote(from.path), quote(to.path)));
    }
    FolderCopy copy{.source = *from.store,
                    .source_folder = from.object,
                    .destination = *to.store,
                    .destination_folder = to.object,
                    .options = {},
                    .jobs = options_.jobs};
    if (!replaces_link && copies_into_itself(ctx_, copy, *entries)) {
      return refused(fmt::format("{} cannot be copied into itself, to {}", quote(from.path), quote(to.path)));
    }
    std::uint64_t bytes = 0;
    for (const FolderEntry& entry : *entries) bytes += entry.size;
    const auto display = reports_.begin(title_, entries->size(), bytes);
    copy.options = create_options(!to.is_local, *display);
    std::set<std::string> objects;
    for (const FolderEntry& entry : *entries) objects.insert(joined(to.object, entry.name));
    auto cleared = patiently([&] { return old->clear_way(ctx_, *to.store, objects); });
    if (!cleared) return cleared;
    std::set<std::string> folders = {to.object};
    for (const std::string& object : objects) folders.insert(object.substr(0, object.rfind('/')));
    for (const std::string& folder : folders) sweep(to, folder);
    if (auto copied = copy_all(from, to, copy, *std::move(entries), *display); !copied) return copied;
    auto removed = patiently([&] { return old->remove_rest(ctx_, *to.store, objects); });
    return removed ? note_in_manifest(to, to.object) : removed;
  }

  Result<std::vector<FolderEntry>> entries_below(const Place& from) {
    std::vector<FolderEntry> entries;
    const std::size_t prefix = from.object.empty() ? 0 : from.object.size() + 1;
    auto listed = for_each_entry(ctx_, *from.store, {.folder = from.object, .others = true},
                                 [&](const ListEntry& entry) -> Result<void> {
                                   if (entry.is_other) {
                                     return refused(
                                         fmt::format("transfer dir {}: {} is a link to nowhere (is its disk "
                                                     "mounted?), a pipe, a device or a key that is no object's name",
                                                     from.path, quote(from.store->location(entry.name))));
                                   }
                                   entries.push_back({entry.name.substr(prefix), entry.info.size});
                                   return {};
                                 });
    if (!listed) return fail(std::move(listed).error());
    return entries;
  }

  // Those that fail for a reason that will pass are tried again, and no others.
  Result<void> copy_all(const Place& from, const Place& to, const FolderCopy& copy, std::vector<FolderEntry> left,
                        TransferDisplay& display) {
    return patiently([&]() -> Result<void> {
      std::vector<ObjectCopy> done;
      std::optional<Error> failure;
      copy_entries(ctx_, copy, left, [&](const ObjectCopy& one) {
        if (one.result) {
          done.push_back(one);
          display.finished_object();
        } else if (!failure || !mends_itself(one.result.error())) {
          failure = one.result.error();
        }
      });
      std::set<std::string_view> copied;
      for (const ObjectCopy& one : done) {
        if (auto taken = take(from, one.source, to, one.object, *one.result); !taken) {
          if (!failure || !mends_itself(taken.error())) failure = std::move(taken).error();
        } else {
          copied.insert(one.object);
        }
      }
      std::erase_if(
          left, [&](const FolderEntry& entry) { return copied.contains(joined(copy.destination_folder, entry.name)); });
      if (failure) return fail(*std::move(failure));
      return left.empty() ? Result<void>() : ctx_.check(title_);
    });
  }

  // Looks at what was written, and takes a note of it.
  Result<void> take(const Place& from, const std::string& source, const Place& to, const std::string& object,
                    const WriteInfo& written) {
    auto sum = verified(from, source, to, object, written);
    if (sum) {
      const sector::CopiedObject copied{*from.store, source, *to.store, object};
      sum = patiently([&] { return sector::sum_of_copy(ctx_, copied, noted_at(from, source), *sum); });
    }
    if (!sum) return fail(std::move(sum).error());
    written_[object] = {.size = written.size, .crc32c = *sum, .version = written.version};
    return {};
  }

  // Reads back, where that is asked for: size and sum that the store has are compared where it is written. The sum,
  // where it is known.
  Result<std::optional<std::uint32_t>> verified(const Place& from, const std::string& source, const Place& to,
                                                const std::string& object, const WriteInfo& written) {
    if (written.replaced) {  // by what a process that died had asked for, or by somebody who will not go on for ever
      Error error = sector::was_replaced(*to.store, object);
      error.retryable = true;
      return fail(std::move(error));
    }
    if (!options_.read_back) return written.crc32c;
    auto there = patiently([&] { return sum_object(ctx_, *to.store, object); });
    if (!there) return fail(std::move(there).error());
    std::optional<std::uint32_t> wanted = written.crc32c;
    if (!wanted) {
      auto here = patiently([&] { return sum_object(ctx_, *from.store, source); });
      if (!here) return fail(std::move(here).error());
      wanted = here->crc32c;
    }
    if (there->crc32c == *wanted) return wanted;
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: it was read back with the CRC-32C {:08x}, and written with {:08x}",
                            quote(to.store->location(object)), there->crc32c, *wanted));
  }

  // What a store of ours knows of an object of a sector.
  const sector::ManifestEntry* noted_at(const Place& from, const std::string& source) {
    const auto of_sector = from.is_local ? std::nullopt : sector::sector_object(source);
    if (!of_sector) return nullptr;
    auto known = known_.find(of_sector->id);
    if (known == known_.end()) {
      auto manifest = sector::known_manifest(ctx_, *from.store, of_sector->id);
      if (!manifest) reports_.tell(fmt::format("{}: no sums are compared: {}", title_, manifest.error().message));
      known = known_.emplace(of_sector->id, manifest ? *std::move(manifest) : sector::Manifest()).first;
    }
    const auto entry = known->second.objects.find(source);
    return entry == known->second.objects.end() ? nullptr : &entry->second;
  }

  // Of sectors in a store of ours. A folder may hold several.
  Result<void> note_in_manifest(const Place& to, const std::string& replaced) {
    if (to.is_local) return {};
    std::map<sector::SectorId, sector::Manifest> manifests;
    for (const auto& [object, entry] : written_) {
      const auto of_sector = sector::sector_object(object);
      if (of_sector) manifests[of_sector->id].objects.emplace(object, entry);
    }
    for (const auto& [id, manifest] : manifests) {
      // Others may be at other objects of that sector.
      auto mine = claim(to.store->location(sector::manifest_name(id)), [] {});
      if (!mine) return fail(std::move(mine).error());
      auto noted = patiently([&] { return sector::note_written(ctx_, *to.store, id, manifest, replaced); });
      if (ctx_.ended()) return noted;
      // The sector is in its place all the same.
      if (!noted) reports_.tell(fmt::format("{}: no sums are noted: {}", title_, noted.error().message));
    }
    return {};
  }

  const Context& ctx_;
  Locator& locator_;
  Destinations& destinations_;
  const TransferOptions& options_;
  const TransferReports& reports_;
  const TransferTask& task_;
  const TransferRoute& route_;
  const std::string title_;
  Turn turn_;
  Patience patience_;
  std::map<std::string, sector::ManifestEntry> written_;  // by object
  std::map<sector::SectorId, sector::Manifest> known_;    // at the source
};

}  // namespace

Transfer::Transfer(Locator& locator, TransferOptions options, TransferReports reports)
    : locator_(locator),
      options_(options),
      reports_(std::move(reports)),
      destinations_(std::make_unique<Destinations>()),
      turns_(std::make_unique<Turns>(options.concurrent)) {}

Transfer::Transfer(Transfer&&) noexcept = default;
Transfer::~Transfer() = default;

Result<nlohmann::json> Transfer::run(const Context& ctx, const nlohmann::json& json) const {
  auto task = parse_transfer_task(json);
  if (!task) return fail(std::move(task).error());
  for (const TransferRoute& route : task->routes) {
    if (auto done = Route(ctx, locator_, *destinations_, *turns_, options_, reports_, *task, route).run(); !done) {
      return fail(std::move(done).error());
    }
  }
  return true;
}

}  // namespace scabbard::extproc
