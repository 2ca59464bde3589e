#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <ranges>
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
#include "sector/sector_copy.hpp"
#include "store/copy.hpp"

namespace scabbard::cli {
namespace {

// Of sectors that are not complete.
constexpr std::size_t kMostShown = 20;

struct SectorCpOptions : SectorOptions {
  std::string destination;
  bool dry_run = false;
  unsigned jobs = 4;
};

std::uint64_t bytes_of(const std::vector<sector::StoredObject>& objects) {
  std::uint64_t sum = 0;
  for (const sector::StoredObject& object : objects) sum += object.size;
  return sum;
}

class SectorCp {
 public:
  SectorCp(Session& session, const SectorCpOptions& options) : session_(session), options_(options) {}

  void run() {
    if (const auto from = find_store(session_, options_.store)) {
      if (const auto to = find_store(session_, options_.destination)) copy(*from, *to);
    }
    session_.out.send();  // what fails there is reported at the end, unless this is the end
    interruption_.die_if_interrupted();
  }

 private:
  const Context& context() const { return interruption_.context(); }

  void copy(const Place& from, const Place& to) {
    if (auto refused = check(from, to); !refused) return session_.report(refused.error());
    const auto sectors = find_sectors(session_, context(), from, options_);
    if (sectors.empty()) return;
    if (auto listed = list_destination(to); !listed) return session_.report(listed.error());
    Progress progress(options_.dry_run ? Progress::Style::kNone : Progress::style(session_.quiet, session_.json),
                      total(sectors));
    const auto at_a_time = static_cast<unsigned>(std::min<std::size_t>(options_.jobs, sectors.size()));
    in_parallel(at_a_time, sectors.size(), [&](std::size_t i) {
      auto copied = copy_one(from, to, sectors[i], options_.jobs / at_a_time, progress);
      const bool is_hopeless = !copied && fails_for_all(copied.error());
      if (!copied) take_failure(sectors[i], std::move(copied).error());
      return !is_hopeless && !context().ended();
    });
    progress.stop();
    for (const Error& failure : failures_) session_.report(failure);
    if (!context().ended() && !session_.quiet) summarise(sectors.size());
    if (options_.dry_run) check_space(to);
  }

  Result<void> check(const Place& from, const Place& to) const {
    const FolderCopy whole{
        .source = *from.store, .source_folder = {}, .destination = *to.store, .destination_folder = {}, .options = {}};
    const bool is_same = from.location("") == to.location("") || copies_into_itself(context(), whole, {});
    if (is_same) return fail(ErrorCode::kInvalidPath, fmt::format("{} cannot be copied into itself", quote(from.text)));
    if (to.store->config().read_only) {
      return fail(ErrorCode::kReadOnly, fmt::format("{}: the store is configured read-only", quote(to.text)));
    }
    return {};
  }

  // For all of them one listing is cheaper than several requests for each.
  Result<void> list_destination(const Place& to) {
    if (!options_.all) return {};
    auto all = sector::list_sectors(context(), *to.store);
    if (!all) return fail(std::move(all).error());
    for (sector::Sector& sector : *all) there_.emplace(sector.id, std::move(sector));
    return {};
  }

  Result<sector::Sector> at_destination(const Place& to, const sector::SectorId& id) const {
    if (!options_.all) return sector::find_sector(context(), *to.store, id);
    const auto found = there_.find(id);
    return found == there_.end() ? sector::Sector{.id = id, .objects = {}, .others = {}} : found->second;
  }

  static Amount total(const std::vector<sector::Sector>& sectors) {
    Amount total;
    for (const sector::Sector& sector : sectors) {
      total.objects += sector.objects.size();
      total.bytes += sector.bytes();
    }
    return total;
  }

  Result<void> copy_one(const Place& from, const Place& to, const sector::Sector& sector, unsigned jobs,
                        Progress& progress) {
    auto there = at_destination(to, sector.id);
    if (!there) return fail(std::move(there).error());
    auto plan = sector::plan_copy(context(), *from.store, sector, *to.store, *there);
    if (!plan) return fail(std::move(plan).error());
    *progress.bytes() += bytes_of(plan->there);
    for (std::size_t i = 0; i < plan->there.size(); ++i) progress.finished_object();
    Amount copied;
    const sector::SectorCopy copy{.source = *from.store,
                                  .destination = *to.store,
                                  .jobs = jobs,
                                  .progress = progress.bytes(),
                                  .tell = [&](const sector::StoredObject& object) {
                                    progress.finished_object();
                                    ++copied.objects;
                                    copied.bytes += object.size;
                                  }};
    auto done = options_.dry_run ? Result<void>() : copy_sector(context(), copy, *plan);
    if (options_.dry_run) copied = {.objects = plan->missing.size(), .bytes = bytes_of(plan->missing)};
    std::lock_guard lock(mutex_);
    copied_.objects += copied.objects;
    copied_.bytes += copied.bytes;
    if (done && !sector.others.empty()) done = cannot_be_copied(from.location(sector.others.front()));
    if (done) take(sector, *plan, copied);
    return done;
  }

  static std::unexpected<Error> cannot_be_copied(const std::string& location) {
    return fail(ErrorCode::kNotRegularFile, fmt::format("{} {}", quote(location), sector::kIsNoObject));
  }

  void take(const sector::Sector& sector, const sector::CopyPlan& plan, const Amount& copied) {
    ++(plan.missing.empty() ? sectors_there_ : sectors_copied_);
    if (const auto flaws = sector.flaws(); !flaws.empty()) {
      incomplete_.push_back(fmt::format("{} ({} {})", to_string(sector.id), flaws.front().object, flaws.front().what));
    }
    if (session_.json) {
      const char* key = plan.missing.empty() ? "there" : options_.dry_run ? "would_copy" : "copied";
      session_.out.json({{key, to_string(sector.id)},
                         {"objects", copied.objects},
                         {"bytes", copied.bytes},
                         {"objects_there", plan.there.size()},
                         {"complete", sector.flaws().empty()}});
    } else if (options_.dry_run && !plan.missing.empty() && !session_.quiet) {
      session_.out.line(fmt::format("would copy {}: {}, {}", to_string(sector.id), counted(copied.objects, "object"),
                                    human_size(copied.bytes)));
    }
    if (session_.out.reader_has_gone()) interruption_.reader_has_gone();
  }

  void take_failure(const sector::Sector& sector, Error error) {
    if (context().ended()) return;
    error.message = fmt::format("{}: {}", to_string(sector.id), error.message);
    std::lock_guard lock(mutex_);
    failures_.push_back(std::move(error));
  }

  // What is replaced leaves its space only afterwards.
  void check_space(const Place& to) {
    const auto space = to.store->space(context());
    if (!space || space->total == 0 || copied_.bytes <= space->free) return;
    session_.report({.code = ErrorCode::kNoSpace,
                     .message = fmt::format("{} to copy, and {} free at {}", human_size(copied_.bytes),
                                            human_size(space->free), quote(to.text)),
                     .request_id = {}});
  }

  void summarise(std::size_t wanted) {
    const std::size_t not_begun = wanted - sectors_copied_ - sectors_there_ - failures_.size();
    if (session_.json) {
      return session_.out.json({{"summary",
                                 {{"sectors", sectors_copied_},
                                  {"sectors_there", sectors_there_},
                                  {"sectors_failed", failures_.size()},
                                  {"sectors_not_begun", not_begun},
                                  {"sectors_not_complete", incomplete_.size()},
                                  {"objects", copied_.objects},
                                  {"bytes", copied_.bytes}}}});
    }
    const bool dry = options_.dry_run;
    std::string line = fmt::format("{} {} ({}, {})", dry ? "would copy" : "copied", counted(sectors_copied_, "sector"),
                                   counted(copied_.objects, "object"), human_size(copied_.bytes));
    if (sectors_there_ > 0) line += fmt::format(", {} there already", sectors_there_);
    if (!failures_.empty()) line += fmt::format(", {} failed", failures_.size());
    if (not_begun > 0) line += fmt::format(", {} not begun", not_begun);
    session_.out.line(line);
    for (const std::string& sector : incomplete_ | std::views::take(kMostShown)) {
      session_.out.line(fmt::format("not complete at the source: {}", session_.out.shown(sector)));
    }
    if (incomplete_.size() > kMostShown) {
      session_.out.line(
          fmt::format("and {} more: `scabbard sector ls -l` shows them", incomplete_.size() - kMostShown));
    }
  }

  Session& session_;
  const SectorCpOptions& options_;
  Interruption interruption_;
  std::map<sector::SectorId, sector::Sector> there_;  // with --all
  std::mutex mutex_;                                  // of all below
  Amount copied_;
  std::size_t sectors_copied_ = 0;
  std::size_t sectors_there_ = 0;
  std::vector<std::string> incomplete_;  // and what is missing
  std::vector<Error> failures_;          // one a sector; told when the bar is gone
};

}  // namespace

void add_sector_cp(CLI::App& sector, Session& session) {
  auto* command = sector.add_subcommand(
      "cp", "Copy sectors to another store, as far as they are not there; run again, it takes up what ended early");
  auto options = std::make_shared<SectorCpOptions>();
  add_sector_options(*command, *options);
  add_all(*command, *options);
  command->add_option("--to", options->destination, "The store that they go to, as a folder or URL")
      ->required()
      ->type_name("LOCATION");
  command->add_flag("-n,--dry-run", options->dry_run, "Only show what would be copied");
  command->add_option("-j,--jobs", options->jobs, "How many objects to copy at a time (4)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  session.add_options(*command);
  command->callback([&session, options] {
    require_sectors(*options);
    SectorCp(session, *options).run();
  });
}

}  // namespace scabbard::cli
