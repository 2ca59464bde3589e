#include "extproc/transfer_task.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace scabbard::extproc {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("malformed transfer task: {}", what));
}

// Null, like what is not there at all.
const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::map<std::string, std::string> meta_of(const Json& store) {
  const Json& meta = member(store, "meta");
  return meta.is_null() ? std::map<std::string, std::string>() : meta.get<std::map<std::string, std::string>>();
}

TransferEnd end_of(const Json& end) {
  const Json& store = member(end, "store_name");
  return {.store = store.is_null() ? std::nullopt : std::optional(store.get<std::string>()), .path = end.at("uri")};
}

TransferRoute route_of(const Json& route) {
  TransferRoute out{.source = end_of(route.at("src")), .destination = end_of(route.at("dest"))};
  if (const Json& options = member(route, "opt"); !options.is_null()) {
    const Json& allow_link = member(options, "allow_link");
    out.allow_link = !allow_link.is_null() && allow_link.get<bool>();
  }
  return out;
}

}  // namespace

Result<TransferTask> parse_transfer_task(const Json& json) {
  TransferTask task;
  try {
    if (const Json& stores = member(json, "stores"); !stores.is_null()) {
      for (const auto& [name, store] : stores.items()) task.stores.emplace(name, meta_of(store));
    }
    const Json& routes = member(json, "routes");
    if (!routes.is_array()) return malformed(R"(it has no list "routes")");
    for (const Json& route : routes) task.routes.push_back(route_of(route));
  } catch (const Json::exception& error) {
    return malformed(error.what());
  }
  return task;
}

}  // namespace scabbard::extproc
