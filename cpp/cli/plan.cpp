// What a proof would read, for whoever wants to check it.
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "sector/read_plan.hpp"
#include "sector/sector_files.hpp"

namespace scabbard::cli {
namespace {

struct PlanOptions {
  std::string proof_type;
  std::uint64_t miner = 0;
  std::string seed;
  std::vector<std::uint64_t> sectors;
  bool upgraded = false;
};

class Plan {
 public:
  Plan(Session& session, const PlanOptions& options) : session_(session), options_(options) {}

  void run() {
    const auto type = sector::parse_proof_type(options_.proof_type);
    if (!type) return session_.report(type.error(), ExitStatus::kUsage);
    const auto seed = sector::parse_seed(options_.seed);
    if (!seed) return session_.report(seed.error(), ExitStatus::kUsage);
    if (type->is_winning() && options_.sectors.size() != 1) {
      return session_.report({.code = ErrorCode::kInvalidArgument,
                              .message = "a winning proof is of one sector: --sector is taken once",
                              .request_id = {}},
                             ExitStatus::kUsage);
    }
    for (const sector::SectorPlan& plan : sector::plan_reads(*type, *seed, options_.sectors)) {
      for (const sector::PlannedRead& read : plan.reads) show(plan.sector, *type->shape, read);
      if (session_.out.failed()) return;
    }
  }

 private:
  void show(std::uint64_t number, const sector::Shape& shape, const sector::PlannedRead& read) {
    const std::string object = name_of(number, shape, read.file);
    if (session_.json) {
      session_.out.json({{"sector", number}, {"object", object}, {"offset", read.offset}, {"length", read.length}});
    } else {
      session_.out.line(fmt::format("{:>12} {:>6}  {}", read.offset, read.length, object));
    }
  }

  std::string name_of(std::uint64_t number, const sector::Shape& shape, sector::ReplicaFile file) const {
    using sector::Kind;
    const sector::SectorId id{.miner = options_.miner, .number = number};
    if (file == sector::kSealedFile) return sector::name_of(id, options_.upgraded ? Kind::kUpdate : Kind::kSealed);
    return sector::name_of(id, options_.upgraded ? Kind::kUpdateCache : Kind::kCache) + "/" +
           sector::cache_file_name(shape, file);
  }

  Session& session_;
  const PlanOptions& options_;
};

}  // namespace

void add_plan(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("plan", "Show which ranges of which objects a proof reads: offset, length, object");
  auto options = std::make_shared<PlanOptions>();
  command->add_option("--proof-type", options->proof_type, "As damocles names it, such as StackedDrgWindow32GiBV1_2")
      ->type_name("TYPE")
      ->required();
  command->add_option("--miner", options->miner, "The miner, without f0")->type_name("NUMBER")->required();
  command->add_option("--seed", options->seed, "The randomness, in hexadecimal digits")->type_name("HEX")->required();
  command->add_option("--sector", options->sectors, "A sector's number; may be given several times")
      ->type_name("NUMBER")
      ->required();
  command->add_flag("--upgraded", options->upgraded, "Of sectors with update and update-cache");
  session.add_options(*command);
  command->callback([&session, options] { Plan(session, *options).run(); });
}

}  // namespace scabbard::cli
