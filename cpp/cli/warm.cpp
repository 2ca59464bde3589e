// Filling the cache of tree tops before the first proof of a sector.
#include <fmt/core.h>

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/quantities.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/parallel.hpp"
#include "cli/progress.hpp"
#include "cli/sectors.hpp"
#include "cli/tree_tops.hpp"
#include "sector/sector_files.hpp"
#include "sector/tree_top_fetch.hpp"

namespace scabbard::cli {
namespace {

struct WarmOptions : TreeTopOptions {
  std::vector<std::string> names;  // of stores and sectors
  std::string store = ".";         // of those sectors
  unsigned jobs = 4;
};

// The trees of a sector that its proofs read.
struct Trees {
  sector::SectorId id;
  const sector::Shape* shape;
  Location cache_folder;
};

class Warm {
 public:
  Warm(Session& session, const WarmOptions& options) : session_(session), options_(options) {}

  void run() {
    auto cache_as_told = cache_options(session_, options_);
    if (!cache_as_told) return;
    const auto opened = sector::TreeTopCache::open(*std::move(cache_as_told));
    if (!opened) return session_.report(opened.error());
    sector::TreeTopCache& cache = **opened;
    find_trees();
    Progress progress(Progress::style(session_.quiet, session_.json), total(cache));
    in_parallel(options_.jobs, trees_.size(), [&](std::size_t i) {
      auto kept = keep_tree_tops(context(), cache, *trees_[i].shape, trees_[i].cache_folder);
      const bool is_full = !kept && kept.error().code == ErrorCode::kNoSpace;
      for (unsigned tree = 0; tree < trees_[i].shape->trees; ++tree) progress.finished_object();
      *progress.bytes() += kept_bytes(cache, *trees_[i].shape);
      take(trees_[i], std::move(kept));
      return !is_full && !context().ended();
    });
    progress.stop();
    for (const Error& failure : failures_) session_.report(failure);
    if (!context().ended() && !session_.quiet) summarise();
    session_.out.send();
    interruption_.die_if_interrupted();
  }

 private:
  const Context& context() const { return interruption_.context(); }

  void find_trees() {
    SectorOptions named;
    named.store = options_.store;
    for (const std::string& name : options_.names) {
      if (sector::parse_sector_id(name)) {
        named.sectors.push_back(name);
      } else {
        SectorOptions all;
        all.store = name;
        all.all = true;
        find_trees(all);
      }
    }
    if (!named.sectors.empty()) find_trees(named);
  }

  void find_trees(const SectorOptions& which) {
    const auto place = find_store(session_, which.store);
    if (!place) return;
    if (place->store->capabilities().local_files) {
      log::warn("{} has files, which are proven from where they are: there is nothing to keep of them",
                quote(place->text));
      return;
    }
    for (const sector::Sector& sector : find_sectors(session_, context(), *place, which)) {
      if (auto trees = trees_of(*place, sector)) {
        trees_.push_back(*std::move(trees));
      } else {
        session_.report({.code = ErrorCode::kNotFound,
                         .message = fmt::format("{}: {} has no replica of it with the length of one",
                                                to_string(sector.id), quote(place->text)),
                         .request_id = {}});
      }
    }
  }

  // An upgraded sector is proven from what it was upgraded to.
  static std::optional<Trees> trees_of(const Place& place, const sector::Sector& sector) {
    using sector::Kind;
    for (const auto& [replica, cache] : {std::pair{Kind::kUpdate, Kind::kUpdateCache}, {Kind::kSealed, Kind::kCache}}) {
      const auto found = std::ranges::find(sector.objects, name_of(sector.id, replica), &sector::StoredObject::name);
      if (found == sector.objects.end()) continue;
      const sector::Shape* shape = sector::shape_of(found->size);
      if (shape == nullptr) continue;
      return Trees{
          .id = sector.id, .shape = shape, .cache_folder = {.store = place.store, .object = name_of(sector.id, cache)}};
    }
    return std::nullopt;
  }

  static std::uint64_t kept_bytes(const sector::TreeTopCache& cache, const sector::Shape& shape) {
    const auto layout = sector::TreeLayout::usual(shape);
    return shape.trees * (layout.size() - layout.offset(cache.first_level(shape)));
  }

  Amount total(const sector::TreeTopCache& cache) const {
    Amount total;
    for (const Trees& trees : trees_) {
      total.objects += trees.shape->trees;
      total.bytes += kept_bytes(cache, *trees.shape);
    }
    return total;
  }

  void take(const Trees& trees, Result<bool> kept) {
    const std::lock_guard lock(mutex_);
    if (kept) {
      ++(*kept ? kept_ : there_);
    } else if (!context().ended()) {
      Error& failure = failures_.emplace_back(std::move(kept).error());
      failure.message = fmt::format("{}: {}", to_string(trees.id), failure.message);
    }
  }

  void summarise() {
    const std::size_t not_begun = trees_.size() - kept_ - there_ - failures_.size();
    if (session_.json) {
      return session_.out.json({{"summary",
                                 {{"sectors", kept_},
                                  {"sectors_there", there_},
                                  {"sectors_failed", failures_.size()},
                                  {"sectors_not_begun", not_begun}}}});
    }
    std::string line = fmt::format("kept the tree tops of {}, {} there already", counted(kept_, "sector"), there_);
    if (!failures_.empty()) line += fmt::format(", {} failed", failures_.size());
    if (not_begun > 0) line += fmt::format(", {} not begun", not_begun);
    session_.out.line(line);
  }

  Session& session_;
  const WarmOptions& options_;
  Interruption interruption_;
  std::vector<Trees> trees_;
  std::mutex mutex_;  // of all below
  std::size_t kept_ = 0;
  std::size_t there_ = 0;
  std::vector<Error> failures_;  // told when the bar is gone
};

}  // namespace

void add_warm(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("warm", "Put the upper levels of trees into the provers' cache");
  auto options = std::make_shared<WarmOptions>();
  command->add_option("NAME", options->names, "Stores, of which all sectors are taken, and sectors, such as s-t01000-7")
      ->type_name("STORE|SECTOR")
      ->required();
  command->add_option("--store", options->store, "The store of those sectors, as a folder, a URL or its name (here: .)")
      ->type_name("LOCATION");
  add_tree_top_options(*command, *options)->required();
  command->add_option("-j,--jobs", options->jobs, "How many sectors to read at a time (4)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  session.add_options(*command);
  command->callback([&session, options] { Warm(session, *options).run(); });
}

}  // namespace scabbard::cli
