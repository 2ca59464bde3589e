#include "capi/store_config.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace scabbard {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> wrong(std::string what) {
  return fail(ErrorCode::kInvalidArgument, "store configuration: " + std::move(what));
}

Result<void> take(const std::string& key, const Json& value, StoreConfig& config) {
  if (value.is_null()) return {};
  if (key == "Name" || key == "Path") {
    if (!value.is_string()) return wrong(fmt::format("{} must be a string", key));
    auto text = value.get<std::string>();
    if (text.contains('\0')) return wrong(fmt::format("{} contains a NUL byte", key));
    (key == "Name" ? config.name : config.path) = std::move(text);
  } else if (key == "ReadOnly" || key == "DropIn") {
    if (!value.is_boolean()) return wrong(fmt::format("{} must be true or false", key));
    (key == "ReadOnly" ? config.read_only : config.drop_in) = value.get<bool>();
  } else if (key == "Meta") {
    if (!value.is_object()) return wrong("Meta must be an object of strings");
    for (const auto& [option, text] : value.items()) {
      if (!text.is_string()) return wrong(fmt::format("Meta.{} must be a string", option));
      config.meta.emplace(option, text.get<std::string>());
    }
  } else if (key != "Strict" && key != "Weight") {  // these two are the host's business
    return wrong(fmt::format("key {} is not known", quote(redacted(key))));
  }
  return {};
}

}  // namespace

Result<StoreConfig> parse_store_config(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return wrong("must be one JSON object");
  StoreConfig config;
  for (const auto& [key, value] : json.items()) {
    if (auto taken = take(key, value, config); !taken) return fail(std::move(taken).error());
  }
  return config;
}

}  // namespace scabbard
