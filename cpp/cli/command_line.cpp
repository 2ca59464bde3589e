#include "cli/command_line.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/build_id.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"

namespace scabbard::cli {
namespace {

std::vector<std::string_view> verbs_of(const CLI::App& app) {
  std::vector<std::string_view> verbs;
  for (const CLI::App* command : commands_of(app)) verbs.push_back(command->get_name());
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

// The command given, or the subject of it ("help options"); null where there is none.
const CLI::App* command_given(const CLI::App& app) {
  const CLI::App* command = nullptr;
  for (auto given = app.get_subcommands(); !given.empty(); given = command->get_subcommands()) command = given.front();
  return command;
}

// "cp", "help options".
std::string words_for(const CLI::App& command) {
  const CLI::App* above = command.get_parent();
  bool is_verb = above == nullptr || above->get_parent() == nullptr;
  return is_verb ? command.get_name() : words_for(*above) + " " + command.get_name();
}

std::string unknown_option(const CLI::App& command, std::string_view word) {
  std::string_view option = word.substr(0, word.find('='));
  std::vector<std::string> options = options_of(command);
  std::vector<std::string_view> known(options.begin(), options.end());
  std::string where = command.get_parent() == nullptr ? "" : words_for(command) + ": ";
  // It was not taken because it stands before the command.
  if (std::ranges::find(known, option) != known.end())
    return fmt::format("option {} goes after {}", option, words_for(command));
  return fmt::format("{}option {} is not known{}", where, quote(option), did_you_mean(option, known));
}

std::string unknown_word(const CLI::App& command, std::string_view word) {
  std::vector<std::string_view> known = verbs_of(command);
  if (command.get_parent() == nullptr) {
    return fmt::format("command {} is not known{}", quote(word), did_you_mean(word, known));
  }
  if (!known.empty()) {
    const std::string_view noun = command.get_name() == "help" ? "subject" : "command";
    return fmt::format("{}: {} {} is not known{}", words_for(command), noun, quote(word), did_you_mean(word, known));
  }
  return fmt::format("{}: {} is one argument too many", words_for(command), quote(word));
}

// What was not understood, in words of ours.
std::string wrong(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* given = command_given(app);
  const CLI::App& command = given == nullptr ? app : *given;
  std::vector<std::string> rest = app.remaining(true);
  auto option = std::ranges::find_if(rest, [](const std::string& word) { return word.starts_with('-'); });
  // Before a command only what comes first counts: "copy -r" is no command with an odd option.
  if (option != rest.end() && (given != nullptr || option == rest.begin())) return unknown_option(command, *option);
  if (!rest.empty()) return unknown_word(command, rest.front());
  if (given == nullptr) return "a command is missing";
  return fmt::format("{}: {}", words_for(command), error.what());
}

void report_usage_error(const CLI::App& app, const CLI::ParseError& error, Session& session) {
  auto given = app.get_subcommands();
  std::string verb = given.empty() || given.front()->get_name() == "help" ? "" : " " + given.front()->get_name();
  session.report({.code = ErrorCode::kInvalidArgument, .message = wrong(app, error), .request_id = {}},
                 ExitStatus::kUsage);
  if (!session.json) std::fprintf(stderr, "See `scabbard help%s`.\n", verb.c_str());
}

// The words after the program's name, the last one first, as CLI11 wants them. It takes "[a,b]" for a list of two;
// "./[a,b]" is the same path, and there is nothing else that may begin so.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    std::string_view word = argv[i];
    words.push_back(word.starts_with('[') ? "./" + std::string(word) : std::string(word));
  }
  return words;
}

}  // namespace

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void define_command_line(CLI::App& app, Session& session) {
  app.description("Object storage for Filecoin sectors.");
  app.footer(
      "`scabbard help COMMAND` explains a command; options, exit-status, man and completion are further subjects.");
  app.require_subcommand(1);
  app.set_version_flag("--version", build_id(), "Print the release and the build id");
  app.get_formatter()->column_width(34);
  for (auto* add : {add_init, add_cp, add_ls, add_stat, add_cat, add_rm, add_du, add_verify, add_sector, add_plan,
                    add_warm, add_processor, add_version, add_help})
    add(app, session);
}

int run(int argc, char** argv) {
  Session session;
  try {
    CLI::App app("", "scabbard");
    define_command_line(app, session);
    auto words = words_of(argc, argv);
    try {
      app.parse(words);
    } catch (const CLI::CallForVersion&) {
      session.out.line(build_id());
    } catch (const CLI::CallForHelp&) {
      session.out.write(app.help());
    } catch (const CLI::ParseError& error) {
      session.json = std::ranges::find(words, "--json") != words.end();  // it may not have come to that
      report_usage_error(app, error, session);
    }
  } catch (const std::exception& error) {
    session.report({.code = ErrorCode::kInternal, .message = error.what(), .request_id = {}});
  }
  return static_cast<int>(session.end());
}

}  // namespace scabbard::cli
