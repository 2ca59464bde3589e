#include "cli/session.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/stats_report.hpp"

namespace scabbard::cli {

void Session::add_options(CLI::App& command) {
  command.add_flag("--json", json, "Write one JSON object a line, errors too");
  command.add_flag("-q,--quiet", quiet, "No progress and no remarks; errors only");
  command.add_flag("--stats", stats_, "At the end, show on stderr what each store has asked of its server");
  command.add_option("--config", config_file_, "File with [[store]] entries (else SCABBARD_CONFIG)")->type_name("FILE");
}

// Whoever waits for a server that does not answer is to know it.
void Session::set_up_log() const {
  const char* lines = json ? "warn,json" : "warn";
  log::set_default(quiet ? "error" : lines);
}

std::unique_ptr<Locator> Session::new_locator() {
  set_up_log();
  auto locator = Locator::create(config_file_);
  if (locator) return *std::move(locator);
  report(locator.error(), ExitStatus::kConfiguration);
  return nullptr;
}

std::optional<Place> Session::find(const std::string& location) {
  if (locator_ == nullptr) locator_ = new_locator();
  if (locator_ == nullptr) return std::nullopt;
  auto found = locator_->resolve({}, location);
  if (!found) {
    report(found.error(), exit_status_of_opening(found.error()));
    return std::nullopt;
  }
  // The locator keeps every store of damocles' that it has opened.
  if (!found->is_local) remember(*found->store);
  return Place{.text = location,
               .store = std::move(found->store),
               .object = std::move(found->object),
               .is_local = found->is_local,
               .has_slash = location.ends_with('/') || location.ends_with("/.")};
}

std::optional<Place> Session::find_named(const std::string& name) {
  if (locator_ == nullptr) locator_ = new_locator();
  if (locator_ == nullptr) return std::nullopt;
  auto found = locator_->named(name);
  if (!found) return std::nullopt;
  remember(**found);
  return Place{.text = name, .store = *std::move(found), .object = {}, .is_local = false, .has_slash = false};
}

void Session::remember(const Store& store) {
  if (std::ranges::find(used_, &store) == used_.end()) used_.push_back(&store);
}

bool Session::is_folder(const Place& place, const Error& error) {
  if (error.code != ErrorCode::kNotRegularFile) return false;
  // Only where objects are files is there anything else.
  std::error_code failed;
  return !place.store->capabilities().local_files ||
         std::filesystem::is_directory(place.location(place.object), failed);
}

void Session::report(const Error& error, ExitStatus status) {
  if (status_ == ExitStatus::kOk) status_ = status;
  if (json) {
    nlohmann::ordered_json object = {{"error", to_string(error.code)},
                                     {"message", error.message},
                                     {"retryable", error.retryable},
                                     {"exit_status", static_cast<int>(status)}};
    std::fprintf(stderr, "%s\n", json_line(object).c_str());
    return;
  }
  const char* prefix = takes_colours(2) ? "\x1b[1;31mscabbard:\x1b[0m" : "scabbard:";
  std::fprintf(stderr, "%s %s\n", prefix, printable(redacted(error.message)).c_str());
}

ExitStatus Session::end() {
  if (auto written = out.flush(); !written) report(written.error());
  if (stats_) show_stats();
  return status_;
}

void Session::show_stats() const {
  for (const Store* store : used_) {
    const StoreStats stats = store->stats();
    std::fputs(json ? (stats_json(stats) + "\n").c_str() : stats_text(stats).c_str(), stderr);
  }
}

}  // namespace scabbard::cli
