#include "cli/session.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace scabbard::cli {

void Session::add_options(CLI::App& command) {
  command.add_flag("--json", json, "Write one JSON object a line, errors too");
  command.add_flag("-q,--quiet", quiet, "No progress and no remarks; errors only");
  command.add_option("--config", config_file_, "File with [[store]] entries (else SCABBARD_CONFIG)")->type_name("FILE");
}

std::optional<Place> Session::find(const std::string& location) {
  if (locator_ == nullptr) {
    auto locator = Locator::create(config_file_);
    if (!locator) {
      report(locator.error(), ExitStatus::kConfiguration);
      return std::nullopt;
    }
    locator_ = *std::move(locator);
  }
  auto found = locator_->resolve({}, location);
  if (!found) {
    report(found.error(), exit_status_of_opening(found.error()));
    return std::nullopt;
  }
  // The locator keeps every store that it has opened.
  return Place{.text = location,
               .store = found->store.get(),
               .object = std::move(found->object),
               .is_local = found->is_local,
               .has_slash = location.ends_with('/') || location.ends_with("/.")};
}

Result<Kind> Session::kind_of(const Context& ctx, const Place& place) {
  if (place.object.empty()) return Kind::kFolder;
  auto info = place.store->stat(ctx, place.object);
  if (info) return Kind::kObject;
  if (info.error().code == ErrorCode::kNotFound) return Kind::kNothing;
  if (!is_folder(place, info.error())) return fail(std::move(info).error());
  return Kind::kFolder;
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
  return status_;
}

}  // namespace scabbard::cli
