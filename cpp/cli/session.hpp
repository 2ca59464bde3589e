// What all commands share: the options that each takes, where they write to, how they find stores and report errors.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cli/exit_status.hpp"
#include "cli/output.hpp"
#include "scabbard/store.hpp"

namespace scabbard::cli {

/// A location as it was given, and what it means.
struct Place {
  std::string text;
  Store* store;
  std::string object;
  /// In no store: a file or folder of this machine.
  bool is_local;
  /// It ends with a slash, and so means a folder.
  bool has_slash;

  /// Where an object of its store is, as other programs name it.
  std::string location(std::string_view of_object) const { return store->location(of_object); }
};

/// What there is at a place.
enum class Kind { kObject, kFolder, kNothing };

class Session {
 public:
  /// Adds the options that every command takes.
  void add_options(CLI::App& command);

  bool json = false;
  bool quiet = false;
  Output out{1};

  /// Finds what a location means; where that fails it is reported, and nothing is returned.
  std::optional<Place> find(const std::string& location);
  /// Looks what there is. Errors but "not found" are the caller's to report.
  Result<Kind> kind_of(const Context& ctx, const Place& place);
  /// Whether `error`, of a call on a place as an object, means that a folder is there. That can be listed; a device or
  /// socket cannot.
  static bool is_folder(const Place& place, const Error& error);

  /// Reports an error on stderr. Of several the first one decides what the executable ends with.
  void report(const Error& error) { report(error, exit_status_of(error)); }
  void report(const Error& error, ExitStatus status);

  /// What to end with: writes what is still to be written first.
  ExitStatus end();

 private:
  std::string config_file_;
  std::unique_ptr<Locator> locator_;
  ExitStatus status_ = ExitStatus::kOk;
};

}  // namespace scabbard::cli
