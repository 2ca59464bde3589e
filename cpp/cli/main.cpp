// The executable `scabbard`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "base/build_id.hpp"
#include "base/options.hpp"

namespace {

constexpr int kUsageError = 2;

int print(const std::string& text) {
  bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Object storage for Filecoin sectors.", "scabbard");
  app.require_subcommand(1);

  int status = 0;
  app.add_subcommand("version", "Print the release and the build id")->callback([&] {
    status = print(std::string(scabbard::build_id()) + "\n");
  });

  bool markdown = false;
  std::string overview;  // while parsing, app.help() would be that of the subcommand
  auto* help = app.add_subcommand("help", "Explain a subject");
  help->require_subcommand(0, 1);
  help->callback([&] {
    if (help->get_subcommands().empty()) status = print(overview);
  });
  auto* options = help->add_subcommand("options", "The options of a store");
  options->add_flag("--markdown", markdown, "As the page docs/options.md");
  options->callback([&] { status = print(markdown ? scabbard::options_page() : scabbard::describe_options()); });

  overview = app.help();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  return status;
}
