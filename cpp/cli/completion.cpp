#include "cli/completion.hpp"

#include <fmt/core.h>

#include <set>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace scabbard::cli {
namespace {

// Its options, and those of its own commands, each name once. Which of these stands on the line is not looked at.
std::vector<const CLI::Option*> listed_options(const CLI::App& command) {
  std::vector<const CLI::Option*> options;
  std::set<std::string> names;
  auto add = [&](const CLI::App& one) {
    for (const CLI::Option* option : one.get_options()) {
      if (names.insert(option->get_name()).second) options.push_back(option);
    }
  };
  add(command);
  for (const CLI::App* inner : commands_of(command)) add(*inner);
  return options;
}

// Words that may come after a command: its options, and its subjects or own commands where it has some.
std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::App* subject : commands_of(command)) words += subject->get_name() + " ";
  for (const CLI::Option* option : listed_options(command)) {
    for (const std::string& name : option->get_snames()) words += "-" + name + " ";
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  return words;
}

bool takes_value(const CLI::Option& option) { return option.get_type_size() > 0; }

std::string verb_words(const CLI::App& app) {
  std::string verbs;
  for (const CLI::App* command : commands_of(app)) verbs += (verbs.empty() ? "" : " ") + command->get_name();
  return verbs;
}

bool takes_paths(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) return true;
  }
  return false;
}

std::string bash(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* command : commands_of(app)) {
    cases += fmt::format("    {}) words=\"{}\"; paths={} ;;\n", command->get_name(), words_of(*command),
                         takes_paths(*command) ? 1 : 0);
  }
  return fmt::format(R"(# bash completion for scabbard
_scabbard() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} words="{}" paths=0
  COMPREPLY=()
  if [ "$COMP_CWORD" -gt 1 ]; then
    case ${{COMP_WORDS[1]}} in
{}    *) words= ;;
    esac
  fi
  if [ "$paths" = 1 ] && [[ $current != -* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}}
complete -F _scabbard scabbard
)",
                     verb_words(app), cases);
}

// zsh and fish show descriptions; quotes in them would end the string that they stand in.
std::string plain(std::string text) {
  for (char& c : text) {
    if (c == '\'' || c == '[' || c == ']' || c == ':' || c == '`') c = ' ';
  }
  return text;
}

// One option for _arguments, under each of its names.
std::string zsh_option(const CLI::Option& option) {
  std::string text = fmt::format("[{}]", plain(option.get_description()));
  if (takes_value(option)) {
    std::string type = option.get_type_name();
    text += fmt::format(":{}:{}", plain(type), type == "FILE" ? "_files" : " ");
  }
  std::string all;
  for (const std::string& name : option.get_snames()) all += fmt::format(" '-{}{}'", name, text);
  // "=": the value may also be a word of its own.
  for (const std::string& name : option.get_lnames()) {
    all += fmt::format(" '--{}{}{}'", name, takes_value(option) ? "=" : "", text);
  }
  return all;
}

std::string fish_option(const CLI::Option& option) {
  std::string all;
  for (const std::string& name : option.get_snames()) all += " -s " + name;
  for (const std::string& name : option.get_lnames()) all += " -l " + name;
  if (takes_value(option)) all += option.get_type_name() == "FILE" ? " -r" : " -x";
  return all;
}

std::string zsh(const CLI::App& app) {
  std::string verbs;
  std::string cases;
  for (const CLI::App* command : commands_of(app)) {
    verbs += fmt::format("    '{}:{}'\n", command->get_name(), plain(command->get_description()));
    cases += fmt::format("    {}) _arguments", command->get_name());
    for (const CLI::Option* option : listed_options(*command)) {
      if (!option->get_positional()) cases += zsh_option(*option);
    }
    std::string subjects;
    for (const CLI::App* subject : commands_of(*command)) subjects += subject->get_name() + " ";
    if (!subjects.empty()) cases += fmt::format(" '1: :({})'", subjects);
    if (takes_paths(*command)) cases += " '*:location:_files'";
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef scabbard
local -a commands
commands=(
{})
if (( CURRENT == 2 )); then
  _describe command commands
else
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
fi
)",
                     verbs, cases);
}

std::string fish(const CLI::App& app) {
  std::string script = "# fish completion for scabbard\n";
  script += "complete -c scabbard -n __fish_use_subcommand -f\n";
  for (const CLI::App* command : commands_of(app)) {
    const std::string& verb = command->get_name();
    script += fmt::format("complete -c scabbard -n __fish_use_subcommand -a {} -d '{}'\n", verb,
                          plain(command->get_description()));
    std::string condition = fmt::format("'__fish_seen_subcommand_from {}'", verb);
    for (const CLI::Option* option : listed_options(*command)) {
      if (option->get_positional()) continue;
      script += fmt::format("complete -c scabbard -n {}{} -d '{}'\n", condition, fish_option(*option),
                            plain(option->get_description()));
    }
    for (const CLI::App* subject : commands_of(*command)) {
      script += fmt::format("complete -c scabbard -n {} -f -a {}\n", condition, subject->get_name());
    }
  }
  return script;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  if (shell == "zsh") return zsh(app);
  if (shell == "fish") return fish(app);
  return bash(app);
}

}  // namespace scabbard::cli
