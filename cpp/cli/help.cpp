#include <fmt/core.h>

#include <array>

#include "base/options.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/manual_page.hpp"

namespace scabbard::cli {
namespace {

std::string exit_status_text() {
  std::string text = "What scabbard ends with:\n\n";
  for (const auto& [status, meaning] : exit_status_table()) {
    text += fmt::format("  {:>3}  {}\n", static_cast<int>(status), meaning);
  }
  return text;
}

// The page of a command and those of its own commands, if it has some.
std::string page_of(const CLI::App& app, CLI::App& command, const std::string& words) {
  std::string page = app.get_formatter()->make_help(&command, words, CLI::AppFormatMode::Normal);
  for (CLI::App* inner : command.get_subcommands([](const CLI::App*) { return true; })) {
    page += "\n" + page_of(app, *inner, words + " " + inner->get_name());
  }
  return page;
}

}  // namespace

void add_help(CLI::App& app, Session& session) {
  auto* help = app.add_subcommand("help", "Explain a command or a subject");
  help->require_subcommand(0, 1);
  auto show = [&session, help](std::string name, std::string description, std::function<std::string()> text) {
    auto* subject = help->add_subcommand(std::move(name), std::move(description));
    subject->callback([&session, text = std::move(text)] { session.out.write(text()); });
    return subject;
  };
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command == help) continue;
    std::string verb = command->get_name();
    show(verb, command->get_description(),
         [&app, command, verb] { return page_of(app, *command, "scabbard " + verb); });
  }
  auto markdown = std::make_shared<bool>(false);
  show("options", "The options of a store", [markdown] {
    return *markdown ? options_page() : describe_options();
  })->add_flag("--markdown", *markdown, "As the page docs/options.md");
  show("exit-status", "What the executable ends with", exit_status_text);
  show("man", "All of this as a manual page", [&app] { return manual_page(app); });
  auto shell = std::make_shared<std::string>();
  show("completion", "A script for a shell's completion", [&app, shell] { return completion_script(app, *shell); })
      ->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  help->callback([&session, &app, help] {
    // Not app.help(): that explains the command given, which is this one.
    if (help->get_subcommands().empty())
      session.out.write(app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal));
  });
}

}  // namespace scabbard::cli
