#include "cli/command_line.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "base/build_id.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"

namespace scabbard::cli {
namespace {

std::vector<std::string_view> verbs_of(const CLI::App& app) {
  std::vector<std::string_view> verbs;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    verbs.push_back(command->get_name());
  }
  return verbs;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  std::string_view near = nearest(word, known);
  return near.empty() ? "" : fmt::format("; did you mean {}?", near);
}

const CLI::App* command_given(const CLI::App& app) {
  auto given = app.get_subcommands();
  return given.empty() ? nullptr : given.front();
}

// What was not understood, in words of ours.
std::string wrong(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = command_given(app);
  std::vector<std::string> rest = app.remaining(true);
  if (command == nullptr && !rest.empty()) {
    bool is_option = rest.front().starts_with('-');
    std::vector<std::string> options = options_of(app);
    std::vector<std::string_view> known = verbs_of(app);
    if (is_option) known.assign(options.begin(), options.end());
    return fmt::format("{} {} is not known{}", is_option ? "option" : "command", quote(rest.front()),
                       did_you_mean(rest.front(), known));
  }
  if (command == nullptr) return "a command is missing";
  for (const std::string& word : rest) {
    if (!word.starts_with('-')) continue;
    std::vector<std::string> options = options_of(*command);
    std::vector<std::string_view> known(options.begin(), options.end());
    return fmt::format("{}: option {} is not known{}", command->get_name(), quote(word.substr(0, word.find('='))),
                       did_you_mean(word.substr(0, word.find('=')), known));
  }
  if (!rest.empty()) return fmt::format("{}: {} is one argument too many", command->get_name(), quote(rest.front()));
  return fmt::format("{}: {}", command->get_name(), error.what());
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = command_given(app);
  std::fprintf(stderr, "scabbard: %s\nSee `scabbard help%s`.\n", wrong(app, error).c_str(),
               command == nullptr ? "" : (" " + command->get_name()).c_str());
  return static_cast<int>(ExitStatus::kUsage);
}

}  // namespace

void define_command_line(CLI::App& app, Session& session) {
  app.description("Object storage for Filecoin sectors.");
  app.require_subcommand(1);
  app.set_version_flag("--version", build_id(), "Print the release and the build id");
  app.get_formatter()->column_width(34);
  for (auto* add : {add_init, add_cp, add_ls, add_stat, add_cat, add_rm, add_du, add_version, add_help})
    add(app, session);
}

int run(int argc, char** argv) {
  Session session;
  try {
    CLI::App app("", "scabbard");
    define_command_line(app, session);
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // --help
      return app.exit(asked);
    } catch (const CLI::ParseError& error) {
      return usage_error(app, error);
    }
  } catch (const std::exception& error) {
    session.report({.code = ErrorCode::kInternal, .message = error.what(), .request_id = {}});
  }
  return static_cast<int>(session.end());
}

}  // namespace scabbard::cli
