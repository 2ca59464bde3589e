#include <fmt/core.h>

#include <vector>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/standard_streams.hpp"
#include "store/object_kind.hpp"

namespace scabbard::cli {
namespace {

std::unexpected<Error> is_folder(const Place& place) {
  return fail(ErrorCode::kNotRegularFile, fmt::format("{} is a folder; `scabbard ls` lists it", quote(place.text)));
}

Result<void> write_out(const Place& place) {
  auto reader = place.store->open({}, place.object);
  if (!reader && reader.error().code == ErrorCode::kNotFound) {
    if (auto kind = kind_of({}, *place.store, place.object); kind && *kind == Kind::kFolder) return is_folder(place);
  }
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
      auto written = place->object.empty() ? is_folder(*place) : write_out(*place);
      if (!written) session.report(written.error());
    }
  });
}

}  // namespace scabbard::cli
