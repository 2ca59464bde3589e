// Failures as data: a file says what a server does wrong, what is asked of the store meanwhile, and what has to come
// of it. tests/fault/scenarios/README.md says how it is written.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scabbard/error.hpp"
#include "support/scripted_server/scripted_server.hpp"

namespace scabbard::scripted {

template <class Number>
struct Bounds {
  Number least = 0;
  Number most = std::numeric_limits<Number>::max();

  bool hold(Number value) const { return value >= least && value <= most; }
};

/// What is asked of the store.
struct Operation {
  std::string kind;  ///< one of kOperations
  std::string object = "object";
  std::uint64_t size = 0;        ///< bytes that a put writes
  std::uint64_t ranges = 0;      ///< how many ranges a read queue is given, from the start on, a byte between them
  std::uint64_t range_size = 0;  ///< bytes of each
  bool exclusive = false;
  /// The caller's deadline, in virtual seconds.
  std::uint64_t timeout = 600;
};

inline constexpr std::array<std::string_view, 9> kOperations = {"stat", "get",    "read",        "put", "put_stream",
                                                                "list", "remove", "remove_many", "copy"};

struct Expectation {
  /// Nothing: it succeeds, and the bytes are right.
  std::optional<ErrorCode> error;
  std::vector<std::string> message_contains;
  Bounds<std::uint64_t> requests;
  std::map<std::string, Bounds<std::uint64_t>> by_kind;
  std::optional<Bounds<std::uint64_t>> connections;
  /// Virtual time from the call to its end.
  std::optional<Bounds<double>> seconds;
};

struct Scenario {
  std::string name;   ///< the file's, without ".json"
  std::string about;  ///< one line
  Operation operation;
  /// Options of the store besides Endpoint and Region.
  std::map<std::string, std::string> options;
  /// Access keys, in the order in which the store is given them.
  std::vector<std::string> access_keys = {"FIRSTKEY"};
  /// Objects that are there, with their sizes; their bytes are scenario_object()'s.
  std::map<std::string, std::uint64_t> objects;
  Settings server;
  Expectation expect;
};

/// The bytes of an object of a scenario: those that are there, and those that are put.
std::string scenario_object(std::uint64_t size);

/// Unknown keys are errors: a misspelt condition would hold for everything.
Result<Scenario> parse_scenario(std::string name, std::string_view json);
Result<Scenario> read_scenario(const std::filesystem::path& file);
/// All files of tests/fault/scenarios, sorted by name.
std::vector<std::filesystem::path> scenario_files();

/// A server that plays a scenario, its objects in place.
std::unique_ptr<ScriptedServer> start_server(const Scenario& scenario);

}  // namespace scabbard::scripted
