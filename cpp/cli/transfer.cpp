// `scabbard processor transfer`.
#include "extproc/transfer.hpp"

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/option_values.hpp"
#include "cli/processors.hpp"
#include "cli/progress.hpp"
#include "extproc/placement.hpp"

namespace scabbard::cli {
namespace {

// Those that wait for a store included, which would otherwise hold up transfers to others.
constexpr unsigned kMostAtOnce = 512;

// A task of a thousand routes has a tenth of that; taken apart it needs some ten times its length in memory.
constexpr std::size_t kLongestLine = std::size_t{8} << 20;

struct TransferCommand {
  bool disable_link = false;
  std::string verify = "size";
  std::string give_up_after = "6h";
  unsigned jobs = 4;
  unsigned concurrent = 32;
};

class Display final : public extproc::TransferDisplay {
 public:
  Display(Progress::Style style, std::string title, Amount total) : progress_(style, total, std::move(title)) {}
  std::atomic<std::uint64_t>* bytes() override { return progress_.bytes(); }
  void finished_object() override { progress_.finished_object(); }

 private:
  Progress progress_;
};

// Lines, whatever stderr is: several transfers share it.
extproc::TransferReports reports_of(const Session& session) {
  const auto style = session.json ? Progress::Style::kJson : Progress::Style::kLines;
  extproc::TransferReports reports;
  reports.begin = [style = session.quiet ? Progress::Style::kNone : style](std::string_view title,
                                                                           std::uint64_t objects, std::uint64_t bytes) {
    return std::make_unique<Display>(style, std::string(title), Amount{.objects = objects, .bytes = bytes});
  };
  reports.tell = [](const std::string& line) { log::warn("{}", line); };
  return reports;
}

void serve_transfers(Session& session, const TransferCommand& command) {
  session.set_up_log();
  extproc::place_as_environment_says();
  Interruption interruption;
  const auto give_up_after = duration_of(session, "--give-up-after", command.give_up_after);
  if (!give_up_after) return;
  auto locator = session.new_locator();
  if (!locator) return;
  // Owned by the handler: a task that hangs in the kernel may be left behind.
  struct Owned {
    std::unique_ptr<Locator> locator;
    extproc::Transfer transfer;
  };
  Locator& found = *locator;
  auto owned = std::make_shared<Owned>(Owned{.locator = std::move(locator),
                                             .transfer = {found,
                                                          {.links = !command.disable_link,
                                                           .read_back = command.verify == "read",
                                                           .give_up_after = *give_up_after,
                                                           .jobs = command.jobs,
                                                           .concurrent = command.concurrent},
                                                          reports_of(session)}});
  serve(session, interruption, {.stage = "transfer", .concurrency = kMostAtOnce, .longest_line = kLongestLine},
        [owned](const Context& ctx, const nlohmann::json& task) { return owned->transfer.run(ctx, task); });
  end_processor(interruption);
}

}  // namespace

void add_transfer(CLI::App& processor, Session& session) {
  auto* command = processor.add_subcommand("transfer", "Move files between a damocles-worker and its stores");
  auto options = std::make_shared<TransferCommand>();
  command->add_flag("--disable-link", options->disable_link, "Copy also where the worker would take a symbolic link")
      ->envname("DISABLE_LINK");
  command
      ->add_option("--verify", options->verify,
                   "What is compared after writing: size, with the sum where the server has one, or read: everything, "
                   "read back")
      ->check(CLI::IsMember({"size", "read"}))
      ->type_name("HOW");
  command
      ->add_option("--give-up-after", options->give_up_after,
                   "How long to wait for what mends itself, such as a server that is down (6h)")
      ->type_name("TIME");
  command->add_option("-j,--jobs", options->jobs, "How many files of a folder to copy at a time (4)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command->add_option("--concurrent", options->concurrent, "How many transfers to do at a time (32)")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  session.add_options(*command);
  command->callback([&session, options] { serve_transfers(session, *options); });
}

}  // namespace scabbard::cli
