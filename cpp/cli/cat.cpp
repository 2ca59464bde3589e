#include <fmt/core.h>

#include <vector>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/standard_streams.hpp"

namespace scabbard::cli {
namespace {

Result<void> write_out(const Place& place) {
  auto reader = place.store->open({}, place.object);
  if (!reader) return fail(std::move(reader).error());
  return write_to_standard_output({}, **reader);
}

}  // namespace

void add_cat(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("cat", "Write objects to standard output");
  auto locations = std::make_shared<std::vector<std::string>>();
  command->add_option("LOCATION", *locations, "Objects, written one after the other")->required();
  session.add_options(*command);
  command->callback([&session, locations] {
    for (const std::string& location : *locations) {
      auto place = session.find(location);
      if (!place) continue;
      if (place->object.empty()) {
        session.report({.code = ErrorCode::kNotRegularFile,
                        .message = fmt::format("{} is a folder; `scabbard ls` lists it", quote(location)),
                        .request_id = {}});
        continue;
      }
      if (auto written = write_out(*place); !written) session.report(written.error());
    }
  });
}

}  // namespace scabbard::cli
