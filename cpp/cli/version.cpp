#include <nlohmann/json.hpp>

#include "base/build_id.hpp"
#include "cli/commands.hpp"

namespace scabbard::cli {

void add_version(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("version", "Print the release and the build id");
  session.add_options(*command);
  command->callback([&session] {
    std::string_view id = build_id();
    if (session.json) {
      session.out.json({{"version", id.substr(0, id.rfind('-'))}, {"build", id.substr(id.rfind('-') + 1)}});
    } else {
      session.out.line(id);
    }
  });
}

}  // namespace scabbard::cli
