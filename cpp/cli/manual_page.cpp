#include "cli/manual_page.hpp"

#include <fmt/core.h>

#include "base/build_id.hpp"
#include "base/options.hpp"
#include "cli/command_line.hpp"
#include "cli/exit_status.hpp"

namespace scabbard::cli {
namespace {

// Text as roff takes it: no backslash escapes, hyphens that can be searched for, no line that looks like a request.
std::string roff(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string entry(std::string_view term, std::string_view text) {
  return fmt::format(".TP\n.B {}\n{}\n", roff(term), roff(text));
}

std::string option_term(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  if (option.get_type_size() > 0 && !option.get_type_name().empty()) names += " " + option.get_type_name();
  return names;
}

// `words`: what is typed, such as "sector cp".
std::string command_section(const CLI::App& command, const std::string& words) {
  const auto inner = commands_of(command);
  if (!inner.empty() && command.get_name() != "help") {
    std::string sections = fmt::format(".SS {}\n{}.\n", roff(words), roff(command.get_description()));
    for (const CLI::App* one : inner) sections += command_section(*one, words + " " + one->get_name());
    return sections;
  }
  std::string usage = "scabbard " + words + " [OPTION]...";
  std::string options;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      bool many = option->get_items_expected_max() > 1;
      std::string name = option->get_name(true) + (many ? "..." : "");
      usage += option->get_required() ? " " + name : " [" + name + "]";
      options += entry(option->get_name(true), option->get_description());
    } else {
      options += entry(option_term(*option), option->get_description());
    }
  }
  return fmt::format(".SS {}\n{}\n.PP\n{}.\n{}", roff(words), roff(usage), roff(command.get_description()), options);
}

constexpr std::string_view kLocations =
    "A location is a path or a URL. A path in a store folder (one with a sectorstore.json that names the plugin "
    "scabbard) is an object of that store; a URL is one of the store that the file given by --config or "
    "SCABBARD_CONFIG lists for it; any other path is a file of this machine. Where a command writes or reads one "
    "stream, - is standard input or output.";

}  // namespace

std::string manual_page(const CLI::App& app) {
  std::string_view id = build_id();
  std::string page =
      fmt::format(".TH SCABBARD 1 \"\" \"scabbard {}\" \"User Commands\"\n", id.substr(0, id.rfind('-')));
  page += ".SH NAME\nscabbard \\- object storage for Filecoin sectors\n";
  page += ".SH SYNOPSIS\n.B scabbard\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fILOCATION\\fR]...\n";
  page += fmt::format(".SH LOCATIONS\n{}\n", roff(kLocations));
  page += ".SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app)) {
    page += command_section(*command, command->get_name());
  }
  page += ".SH STORE OPTIONS\n";
  for (const OptionSpec& option : option_table()) page += entry(option.name, option.help);
  page += ".SH EXIT STATUS\n";
  for (const auto& [status, meaning] : exit_status_table()) {
    page += entry(std::to_string(static_cast<int>(status)), meaning);
  }
  page += ".SH ENVIRONMENT\n";
  for (const ProcessSetting& setting : process_settings()) page += entry(setting.variable, setting.help);
  page += entry("NO_COLOR", "Where it is set, no colours are used.");
  return page;
}

}  // namespace scabbard::cli
