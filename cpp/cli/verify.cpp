#include <fmt/core.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/quantities.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/parallel.hpp"
#include "cli/progress.hpp"
#include "cli/sectors.hpp"
#include "sector/manifest.hpp"
#include "sector/verification.hpp"
#include "store/listing.hpp"
#include "store/object_kind.hpp"

namespace scabbard::cli {
namespace {

constexpr unsigned kJobs = 4;

struct VerifyOptions : SectorOptions {
  std::vector<std::string> locations;  // in the place of sectors
  bool quick = false;
  unsigned jobs = kJobs;
};

// Objects of one place, all of one sector or of none, that one thread looks at.
struct Unit {
  Place place;
  std::optional<sector::SectorId> id;
  std::vector<sector::StoredObject> objects;
  std::vector<std::string> others;    // of the sector, see there
  bool is_whole = false;              // all that there is of the sector
  std::optional<std::string> listed;  // all that there is of it in this folder
};

class Verify {
 public:
  Verify(Session& session, const VerifyOptions& options) : session_(session), options_(options) {}

  void locations() {
    for (const std::string& location : options_.locations) {
      const auto place = session_.find(location);
      if (!place) continue;
      if (auto found = find_units(*place); !found) session_.report(found.error());
    }
    run();
  }

  void sectors() {
    const auto place = find_store(session_, options_.store);
    if (!place) return;
    for (sector::Sector& sector : find_sectors(session_, context(), *place, options_)) {
      units_.push_back({.place = *place,
                        .id = sector.id,
                        .objects = std::move(sector.objects),
                        .others = std::move(sector.others),
                        .is_whole = true,
                        .listed = {}});
    }
    run();
  }

 private:
  const Context& context() const { return interruption_.context(); }

  Result<void> find_units(const Place& place) {
    auto kind = kind_of(context(), *place.store, place.object);
    if (!kind) return fail(std::move(kind).error());
    if (*kind != Kind::kObject) return find_units_below(place, *kind == Kind::kNothing);
    auto info = place.store->stat(context(), place.object);
    if (!info) return fail(std::move(info).error());
    add(place, {.name = place.object, .size = info->size, .version = info->version});
    return {};
  }

  // Manifests themselves are looked at with their sectors.
  Result<void> find_units_below(const Place& place, bool may_be_missing) {
    std::map<sector::SectorId, std::vector<sector::StoredObject>> by_sector;
    bool is_empty = true;
    auto listed = for_each_entry(context(), *place.store, {.folder = place.object}, [&](ListEntry& entry) {
      is_empty = false;
      sector::StoredObject object{
          .name = std::move(entry.name), .size = entry.info.size, .version = std::move(entry.info.version)};
      const auto of_sector = sector::sector_object(object.name);
      if (of_sector) {
        by_sector[of_sector->id].push_back(std::move(object));
      } else if (const auto noted = sector::manifest_sector(object.name)) {
        by_sector[*noted];
      } else {
        add(place, std::move(object));
      }
      return Result<void>();
    });
    if (!listed) return listed;
    if (is_empty && may_be_missing) {
      session_.report({.code = ErrorCode::kNotFound,
                       .message = fmt::format("{}: no object or folder has that name", quote(place.text)),
                       .request_id = {}});
    } else if (is_empty) {
      session_.report({.code = ErrorCode::kNotFound,
                       .message = fmt::format("{}: nothing is there: is its disk mounted?", quote(place.text)),
                       .request_id = {}});
    }
    for (auto& [id, objects] : by_sector) {
      units_.push_back({.place = place,
                        .id = id,
                        .objects = std::move(objects),
                        .others = {},
                        .is_whole = false,
                        .listed = place.object});
    }
    return {};
  }

  void add(const Place& place, sector::StoredObject object) {
    const auto of_sector = sector::sector_object(object.name);
    units_.push_back({.place = place,
                      .id = of_sector ? std::optional(of_sector->id) : std::nullopt,
                      .objects = {std::move(object)},
                      .others = {},
                      .is_whole = false,
                      .listed = {}});
  }

  void run() {
    Progress progress(options_.quick ? Progress::Style::kNone : Progress::style(session_.quiet, session_.json),
                      total());
    in_parallel(options_.jobs, units_.size(), [&](std::size_t i) {
      look_at(units_[i], progress);
      return !context().ended() && !session_.out.failed();
    });
    progress.stop();
    for (const Error& failure : failures_) session_.report(failure);
    if (!context().ended()) conclude();
    session_.out.send();
    interruption_.die_if_interrupted();
  }

  Amount total() const {
    Amount total;
    for (const Unit& unit : units_) {
      total.objects += unit.objects.size();
      for (const sector::StoredObject& object : unit.objects) total.bytes += object.size;
    }
    return total;
  }

  void look_at(const Unit& unit, Progress& progress) {
    const sector::Verification verification{.store = *unit.place.store,
                                            .depth = options_.quick ? sector::Depth::kSizes : sector::Depth::kBytes,
                                            .progress = progress.bytes(),
                                            .tell = [&](const Result<sector::Finding>& finding) {
                                              progress.finished_object();
                                              std::lock_guard lock(mutex_);
                                              take(unit.place, finding);
                                            }};
    if (unit.is_whole) {
      verify_sector(context(), verification, {.id = *unit.id, .objects = unit.objects, .others = unit.others});
    } else {
      verify_objects(context(), verification, unit.id, unit.objects, unit.listed);
    }
  }

  void take(const Place& place, const Result<sector::Finding>& finding) {
    if (!finding) {
      if (!context().ended()) failures_.push_back(finding.error());
      return;
    }
    ++counts_[finding->verdict];
    bytes_ += finding->size;
    const bool is_other = finding->verdict == sector::Verdict::kWrong || finding->verdict == sector::Verdict::kChanged;
    if (!session_.quiet || is_other) tell(place, *finding);
  }

  void tell(const Place& place, const sector::Finding& finding) {
    const std::string location = place.location(finding.object);
    if (session_.json) {
      nlohmann::ordered_json line = {
          {"location", location}, {"size", finding.size}, {"verdict", to_string(finding.verdict)}};
      if (finding.crc32c) line["crc32c"] = fmt::format("{:08x}", *finding.crc32c);
      if (!finding.what.empty()) line["what"] = finding.what;
      session_.out.json(line);
    } else {
      session_.out.line(fmt::format("{}: {}{}{}", session_.out.shown(location), to_string(finding.verdict),
                                    finding.what.empty() ? "" : ", ", finding.what));
    }
    if (session_.out.reader_has_gone()) interruption_.reader_has_gone();
  }

  void conclude() {
    std::uint64_t objects = 0;
    for (const auto& [verdict, count] : counts_) objects += count;
    if (!session_.quiet && objects + failures_.size() > 0) summarise(objects);
    const std::uint64_t wrong = counts_[sector::Verdict::kWrong];
    const std::uint64_t changed = counts_[sector::Verdict::kChanged];
    if (wrong + changed == 0) return;
    session_.report({.code = ErrorCode::kCorrupt,
                     .message = fmt::format("of {} {} wrong and {} changed since they were written: copy them anew "
                                            "from where they are right",
                                            counted(objects, "object"), wrong, changed),
                     .request_id = {}});
  }

  void summarise(std::uint64_t objects) {
    if (session_.json) {
      nlohmann::ordered_json summary = {{"objects", objects}, {"bytes", bytes_}};
      for (const auto& [verdict, name] : kMembers) summary[std::string(name)] = counts_[verdict];
      summary["failed"] = failures_.size();
      return session_.out.json({{"summary", summary}});
    }
    std::string line = fmt::format("{}, {}:", counted(objects, "object"), human_size(bytes_));
    for (const auto& [verdict, count] : counts_) line += fmt::format(" {} {},", count, to_string(verdict));
    if (!failures_.empty()) line += fmt::format(" {} could not be looked at,", failures_.size());
    line.pop_back();
    session_.out.line(line);
  }

  // Of the summary as JSON.
  static constexpr std::array kMembers = {
      std::pair{sector::Verdict::kOk, "ok"}, std::pair{sector::Verdict::kUnknown, "no_sum_known"},
      std::pair{sector::Verdict::kChanged, "changed"}, std::pair{sector::Verdict::kWrong, "wrong"}};

  Session& session_;
  const VerifyOptions& options_;
  Interruption interruption_;
  std::vector<Unit> units_;
  std::mutex mutex_;  // of all below
  std::map<sector::Verdict, std::uint64_t> counts_;
  std::uint64_t bytes_ = 0;
  std::vector<Error> failures_;  // told when the bar is gone
};

void add_jobs(CLI::App& command, VerifyOptions& options, std::string_view what) {
  command.add_option("-j,--jobs", options.jobs, fmt::format("How many {} to read at a time ({})", what, kJobs))
      ->check(CLI::Range(1, 64))
      ->type_name("N");
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("verify", "Read objects whole and compare them with the sums that are known");
  auto options = std::make_shared<VerifyOptions>();
  command->add_option("LOCATION", options->locations, "Objects, folders or stores")->required();
  add_jobs(*command, *options, "sectors or other objects");
  session.add_options(*command);
  command->callback([&session, options] { Verify(session, *options).locations(); });
}

void add_sector_verify(CLI::App& sector, Session& session) {
  auto* command = sector.add_subcommand(
      "verify", "Look whether sectors are complete, read them whole and compare them with the sums that are known");
  auto options = std::make_shared<VerifyOptions>();
  add_sector_options(*command, *options);
  add_all(*command, *options);
  command->add_flag("--quick", options->quick, "What is there and how long it is; read nothing");
  add_jobs(*command, *options, "sectors");
  session.add_options(*command);
  command->callback([&session, options] {
    require_sectors(*options);
    Verify(session, *options).sectors();
  });
}

}  // namespace scabbard::cli
