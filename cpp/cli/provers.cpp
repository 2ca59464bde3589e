// `scabbard processor window_post` and `winning_post`.
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/command_words.hpp"
#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/option_values.hpp"
#include "cli/processors.hpp"
#include "cli/tree_tops.hpp"
#include "extproc/placement.hpp"
#include "extproc/post_task.hpp"
#include "extproc/prover.hpp"

namespace scabbard::cli {
namespace {

struct ProverCommand {
  std::string stage;
  std::string delegate;
  std::string staging;
  TreeTopOptions cache;
  std::string read_deadline;
  std::string sector_limit = "5m";
  std::string answer_within;
  std::size_t max_reads = 4096;
  unsigned concurrent = 8;
};

// What two partitions take, or so.
constexpr std::uintmax_t kRoomInMemory = std::uintmax_t{2} << 30;

// In memory, where that is to be had; containers have 64 MiB of it.
std::string usual_staging() {
  const std::string name = fmt::format("scabbard-{}", ::geteuid());
  std::error_code error;
  const std::filesystem::path memory = "/dev/shm";
  const bool has_memory = std::filesystem::space(memory, error).capacity >= kRoomInMemory && !error &&
                          ::access(memory.c_str(), W_OK | X_OK) == 0;
  return (has_memory ? memory : std::filesystem::temp_directory_path(error)) / name;
}

// By the handler: a task that hangs in the kernel may be left behind.
struct Owned {
  Owned(std::unique_ptr<Locator> of_stores, std::unique_ptr<sector::Staging> staging,
        std::unique_ptr<sector::TreeTopCache> cache, std::vector<std::string> delegate,
        const extproc::ProverOptions& options)
      : locator(std::move(of_stores)),
        prover(*locator, std::move(staging), std::move(cache), std::move(delegate), options,
               [](const std::string& line) { log::warn("{}", line); }) {}

  const std::unique_ptr<Locator> locator;
  extproc::Prover prover;
};

class ProverProcess {
 public:
  ProverProcess(Session& session, const ProverCommand& command) : session_(session), command_(command) {}

  void serve() {
    session_.set_up_log();
    extproc::place_as_environment_says();
    Interruption interruption;
    const auto options = prover_options();
    if (!options) return;
    auto delegate = split_command(command_.delegate);
    if (!delegate) return report_option(session_, "--delegate", delegate.error());
    auto locator = session_.new_locator();
    if (!locator) return;
    auto staging = sector::Staging::open(command_.staging);
    if (!staging) return session_.report(staging.error());
    std::unique_ptr<sector::TreeTopCache> cache;
    if (!command_.cache.folder.empty()) {
      auto cache_as_told = cache_options(session_, command_.cache);
      if (!cache_as_told) return;
      auto opened = sector::TreeTopCache::open(*std::move(cache_as_told));
      // It saves time only.
      if (!opened) log::warn("goes on without the cache: {}", opened.error().message);
      if (opened) cache = *std::move(opened);
    }
    auto owned = std::make_shared<Owned>(std::move(locator), *std::move(staging), std::move(cache),
                                         *std::move(delegate), *options);
    cli::serve(session_, interruption, {.stage = command_.stage, .concurrency = command_.concurrent},
               [owned](const Context& ctx, const nlohmann::json& task) { return owned->prover.run(ctx, task); });
    owned->prover.discard_staging();
    end_processor(interruption);
  }

 private:
  std::optional<extproc::ProverOptions> prover_options() {
    const auto read_deadline = duration_of(session_, "--read-deadline", command_.read_deadline);
    const auto sector_limit = duration_of(session_, "--sector-limit", command_.sector_limit);
    const auto answer_within = duration_of(session_, "--answer-within", command_.answer_within);
    if (!read_deadline || !sector_limit || !answer_within) return std::nullopt;
    return extproc::ProverOptions{.stage = command_.stage,
                                  .read_deadline = *read_deadline,
                                  .sector_limit = *sector_limit,
                                  .answer_within = *answer_within,
                                  .max_reads = command_.max_reads};
  }

  Session& session_;
  const ProverCommand& command_;
};

struct Stage {
  std::string_view name;
  const char* help;
  const char* read_deadline;
  const char* answer_within;
};
// A partition has half an hour; who makes a block has half a minute, and the manager waits for ever.
constexpr Stage kStages[] = {
    {extproc::kWindowPost, "Prove sectors of any store for a WindowPoSt", "10m", "30m"},
    {extproc::kWinningPost, "Prove a sector of any store for a WinningPoSt", "10s", "20s"},
};

void add_prover(CLI::App& processor, Session& session, const Stage& stage) {
  auto* command = processor.add_subcommand(std::string(stage.name), stage.help);
  auto options = std::make_shared<ProverCommand>();
  options->stage = stage.name;
  options->delegate = fmt::format("damocles-worker processor {}", stage.name);
  options->staging = usual_staging();
  options->read_deadline = stage.read_deadline;
  options->answer_within = stage.answer_within;
  command
      ->add_option("--delegate", options->delegate,
                   fmt::format("The stock prover, which does the arithmetic ({}); a program without a slash is looked "
                               "for beside the parent's executable, beside this one, and on PATH",
                               options->delegate))
      ->type_name("COMMAND");
  command
      ->add_option("--staging", options->staging,
                   "Where to lay out what the stock prover reads, best on a tmpfs: 0.4 MB for each sector of 32 GiB (" +
                       options->staging + ")")
      ->type_name("FOLDER");
  add_tree_top_options(*command, options->cache);
  command
      ->add_option("--read-deadline", options->read_deadline,
                   fmt::format("How long to try to read what cannot be read for now ({})", stage.read_deadline))
      ->type_name("TIME");
  command
      ->add_option("--sector-limit", options->sector_limit,
                   "How long to wait for a sector since it was asked for first, once all others are ready (5m)")
      ->type_name("TIME");
  command
      ->add_option("--answer-within", options->answer_within,
                   fmt::format("How long everything may take, the stock prover included ({})", stage.answer_within))
      ->type_name("TIME");
  command
      ->add_option("--max-reads", options->max_reads,
                   "How many ranges a request reads at a time, of each store, up to a file more (4096)")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N");
  command->add_option("--concurrent", options->concurrent, "How many requests to work on at a time (8)")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  session.add_options(*command);
  command->callback([&session, options] { ProverProcess(session, *options).serve(); });
}

}  // namespace

void add_provers(CLI::App& processor, Session& session) {
  for (const Stage& stage : kStages) add_prover(processor, session, stage);
}

}  // namespace scabbard::cli
