// What all tests of the command line start from: a folder of their own, in which they run the built executable.
//
//   write("a", "text");
//   EXPECT_THAT(run({"cp", "a", "store/"}), EndsWith(0));
//   EXPECT_THAT(run({"cat", "gone"}), Fails(4, "No such file"));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::cli {

/// The suite's own first argument where it is to run the rest as the user that owns nothing.
inline constexpr std::string_view kAsNobody = "--as-nobody";

/// Everything the executable has a page for.
inline constexpr std::array<std::string_view, 13> kVerbs = {
    "init", "cp", "ls", "stat", "cat", "rm", "du", "verify", "sector", "plan", "processor", "version", "help"};

struct Outcome {
  int status = 0;  ///< as a shell shows it: 128 and the signal's number where one ended it
  std::string out;
  std::string err;
};

inline void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << "status " << outcome.status << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err;
}

/// By its status alone.
MATCHER_P(EndsWith, status, "ends with " + std::to_string(status)) { return arg.status == status; }
/// With nothing on stderr.
MATCHER(Succeeds, "succeeds silently") { return arg.status == 0 && arg.err.empty(); }
/// With `part` in its message.
MATCHER_P2(Fails, status, part, "ends with " + std::to_string(status) + " saying \"" + part + "\"") {
  return arg.status == status && arg.err.find(part) != std::string::npos;
}

/// How the executable is run.
struct With {
  std::string input = {};                     ///< of its stdin, a pipe
  std::vector<std::string> environment = {};  ///< "NAME=value"
  bool as_nobody = false;                     ///< where the suite runs as root; else as who runs it
  /// Descriptors to have in the place of those of the test; Surroundings::kClosed: none.
  std::optional<int> standard_input = {};
  std::optional<int> standard_output = {};
  std::optional<int> standard_error = {};
};

/// Both ends of a pipe, or of a terminal: what is written to `far` is read from `near`.
class Channel {
 public:
  static Channel pipe();
  static Channel terminal();
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&& other) = delete;
  ~Channel();

  int near() const { return near_; }
  int far() const { return far_; }
  void close_near();
  void close_far();

  /// At least one byte, unless the other side has ended.
  std::string read_some();
  std::string read_rest();

 private:
  Channel(int near, int far) : near_(near), far_(far) {}
  int near_;
  int far_;
};

/// The executable while it runs.
class Running {
 public:
  Running(std::vector<std::string> arguments, const std::string& folder, const With& with);
  Running(Running&& other) noexcept;
  Running& operator=(Running&& other) = delete;
  /// Kills what was not waited for.
  ~Running();

  /// Writes to its stdin. On return all but what a pipe holds (64 KiB) has been read.
  void feed(std::string_view text);
  /// Sends a signal; on return a thread of the process has taken it.
  void interrupt_by(int signal);
  /// Ends its stdin and waits for its end.
  Outcome wait();

 private:
  bool has_pending(int signal) const;

  pid_t process_ = -1;
  int input_ = -1;  // -1 where the test gave one, or it was closed
  int out_;
  int err_;
};

class CommandTest : public ::testing::Test {
 protected:
  CommandTest();

  Running start(const std::vector<std::string>& arguments, const With& with = {}) const;
  Outcome run(const std::vector<std::string>& arguments, const With& with = {}) const;
  /// The stdout of a run that has to succeed.
  std::string out_of(const std::vector<std::string>& arguments, const With& with = {}) const;
  /// One JSON value for each of its lines.
  std::vector<nlohmann::json> json_of(const std::vector<std::string>& arguments) const;

  /// Makes an empty store.
  void init(const std::string& folder) const;

  // Files and folders; paths are relative to the folder of the test.
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  void write(std::string_view name, std::string_view text) const;
  std::string read(std::string_view name) const;
  bool exists(std::string_view name) const;
  void make_folder(std::string_view name) const;
  /// All that is below a folder, whatever it is, relative to that.
  std::set<std::string> files_below(std::string_view folder) const;

 private:
  // In memory: others may enter it, and a sync costs nothing.
  TemporaryFolder folder_{TemporaryFolder::Where::kMemory};
};

/// The lines of a text, parsed.
std::vector<nlohmann::json> json_lines(const std::string& text);
/// The names of an object's members.
std::vector<std::string> keys_of(const nlohmann::json& object);

}  // namespace scabbard::cli
