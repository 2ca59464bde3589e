// What all commands share: the options that each takes, where they write to, how they find stores and report errors.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/output.hpp"
#include "scabbard/store.hpp"

namespace scabbard::cli {

/// A location as it was given, and what it means.
struct Place {
  std::string text;
  std::shared_ptr<Store> store;
  std::string object;
  /// In no store: a file or folder of this machine.
  bool is_local;
  /// It ends with a slash, and so means a folder.
  bool has_slash;

  /// Where an object of its store is, as other programs name it.
  std::string location(std::string_view of_object) const { return store->location(of_object); }
};

class Session {
 public:
  /// Adds the options that every command takes.
  void add_options(CLI::App& command);

  /// Lets the log speak as these options say. To be called before a store is opened otherwise than by find().
  void set_up_log() const;

  bool json = false;
  bool quiet = false;
  Output out{1};

  /// A locator for a command that finds by itself; empty where that fails, which is reported.
  std::unique_ptr<Locator> new_locator();
  /// Finds what a location means; where that fails it is reported, and nothing is returned.
  std::optional<Place> find(const std::string& location);
  /// The store that is called so by the configuration; nothing where there is none.
  std::optional<Place> find_named(const std::string& name);
  /// Whether `error`, of a call on a place as an object, means that a folder is there. That can be listed; a device or
  /// socket cannot.
  static bool is_folder(const Place& place, const Error& error);

  /// Reports an error on stderr. Of several the first one decides what the executable ends with.
  void report(const Error& error) { report(error, exit_status_of(error)); }
  void report(const Error& error, ExitStatus status);

  /// What to end with: writes what is still to be written first.
  ExitStatus end();

 private:
  void remember(const Store& store);
  void show_stats() const;

  std::string config_file_;
  std::unique_ptr<Locator> locator_;
  bool stats_ = false;
  std::vector<const Store*> used_;  // in the order in which they were found first
  ExitStatus status_ = ExitStatus::kOk;
};

}  // namespace scabbard::cli
