#include "store/store_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#define TOML_ASSERT(condition) ((void)0)  // malformed text is an error of ours, not an abort
#include <toml++/toml.h>

#include "base/text.hpp"

namespace scabbard {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> malformed(std::string what) { return fail(ErrorCode::kInvalidArgument, std::move(what)); }

std::string position(std::string_view text, std::size_t byte) {
  std::string_view before = text.substr(0, byte);
  auto line = std::ranges::count(before, '\n') + 1;
  auto last = before.rfind('\n');
  auto column = last == std::string_view::npos ? byte : byte - last - 1;
  return fmt::format("line {}, column {}", line, column);
}

// damocles writes the names of its Go fields; Go reads them in any case.
const Json* member(const Json& object, std::string_view name) {
  auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::equal(key, name, same)) return value.is_null() ? nullptr : &value;
  }
  return nullptr;
}

Result<std::string> text_member(const Json& object, std::string_view name) {
  const Json* value = member(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return malformed(fmt::format("{} must be a string", name));
  return value->get<std::string>();
}

Result<bool> flag_member(const Json& object, std::string_view name) {
  const Json* value = member(object, name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) return malformed(fmt::format("{} must be true or false", name));
  return value->get<bool>();
}

Result<std::map<std::string, std::string>> meta_member(const Json& object) {
  std::map<std::string, std::string> meta;
  const Json* value = member(object, "Meta");
  if (value == nullptr) return meta;
  if (!value->is_object()) return malformed("Meta must be an object of strings");
  for (const auto& [key, option] : value->items()) {
    if (!option.is_string()) return malformed(fmt::format("Meta.{}: must be a string", key));
    meta.emplace(key, option.get<std::string>());
  }
  return meta;
}

Result<StoreFile> store_file_of(const Json& json) {
  if (!json.is_object()) return malformed("must be one JSON object");
  StoreFile file;
  for (auto [name, into] : {std::pair{"ID", &file.name},
                            {"Name", &file.name},
                            {"Plugin", &file.plugin_name},
                            {"PluginName", &file.plugin_name}}) {
    auto text = text_member(json, name);
    if (!text) return fail(std::move(text).error());
    if (!text->empty()) *into = *std::move(text);
  }
  auto meta = meta_member(json);
  if (!meta) return fail(std::move(meta).error());
  auto read_only = flag_member(json, "ReadOnly");
  if (!read_only) return fail(std::move(read_only).error());
  file.meta = *std::move(meta);
  file.read_only = *read_only;
  return file;
}

// Meta's values are strings in damocles; here numbers and booleans are taken by their spelling.
Result<std::string> option_text(const toml::node& value) {
  if (auto text = value.value_exact<std::string>()) return *text;
  if (auto number = value.value_exact<std::int64_t>()) return fmt::format("{}", *number);
  if (auto flag = value.value_exact<bool>()) return std::string(*flag ? "true" : "false");
  return malformed("must be a string");
}

Result<StoreConfig> store_entry(const toml::table& entry) {
  static constexpr std::array<std::string_view, 10> kKnown = {
      "Name", "Path", "Meta", "ReadOnly", "ID", "Strict", "Weight", "PluginName", "AllowMiners", "DenyMiners"};
  StoreConfig config;
  for (const auto& [key, value] : entry) {
    std::string_view name = key.str();
    if (std::ranges::find(kKnown, name) == kKnown.end()) {
      std::string_view near = nearest(name, kKnown);
      return malformed(fmt::format("key {} is not known{}", quote(redacted(name)),
                                   near.empty() ? "" : fmt::format("; did you mean {}?", near)));
    }
    if (name == "Name" || name == "Path") {
      auto text = value.value_exact<std::string>();
      if (!text) return malformed(fmt::format("{} must be a string", name));
      (name == "Name" ? config.name : config.path) = *text;
    } else if (name == "ReadOnly") {
      auto flag = value.value_exact<bool>();
      if (!flag) return malformed("ReadOnly must be true or false");
      config.read_only = *flag;
    } else if (name == "Meta") {
      const toml::table* meta = value.as_table();
      if (meta == nullptr) return malformed("Meta must be a table");
      for (const auto& [option, setting] : *meta) {
        auto text = option_text(setting);
        if (!text) return malformed(fmt::format("Meta.{}: {}", option.str(), text.error().message));
        config.meta.emplace(option.str(), *std::move(text));
      }
    }
  }
  if (config.path.empty()) return malformed("Path is missing");
  return config;
}

Result<std::vector<StoreConfig>> store_entries(const toml::table& document) {
  std::vector<StoreConfig> stores;
  for (const auto& [key, value] : document) {
    if (key.str() != "store")
      return malformed(fmt::format("key {} is not known; there is only [[store]]", quote(redacted(key.str()))));
    const toml::array* entries = value.as_array();
    if (entries == nullptr || !entries->is_homogeneous(toml::node_type::table)) {
      return malformed("store must be an array of tables: [[store]]");
    }
    for (const toml::node& entry : *entries) {
      auto config = store_entry(*entry.as_table());
      if (!config) {
        return malformed(fmt::format("[[store]] at line {}: {}", entry.source().begin.line, config.error().message));
      }
      stores.push_back(*std::move(config));
    }
  }
  return stores;
}

// toml++ 3.3 has undefined behaviour on some of U+FB26 to U+FEFE (UTF-8: EF AC .. to EF BB BE).
bool holds_presentation_forms(std::string_view text) {
  for (std::size_t at = text.find('\xEF'); at != std::string_view::npos; at = text.find('\xEF', at + 1)) {
    std::string_view character = text.substr(at, 3);
    if (character.size() < 2 || character == "\xEF\xBB\xBF") continue;  // that one is a byte order mark
    auto second = static_cast<unsigned char>(character[1]);
    if (second >= 0xAC && second <= 0xBB) return true;
  }
  return false;
}

std::string path_in(std::string_view folder) { return fmt::format("{}/{}", folder, kStoreFileName); }

Error about_file(Error error, const std::string& path) {
  error.message = fmt::format("{}: {}", quote(path), error.message);
  return error;
}

}  // namespace

StoreConfig StoreFile::as_config(std::string_view folder) const {
  return {.name = name, .path = std::string(folder), .meta = meta, .read_only = read_only};
}

Result<StoreFile> parse_store_file(std::string_view text) {
  try {
    return store_file_of(Json::parse(text));
  } catch (const Json::parse_error& error) {  // its own words repeat the text, which may hold anything
    return malformed(fmt::format("malformed JSON at {}", position(text, error.byte)));
  } catch (const Json::exception& error) {
    return malformed(error.what());
  }
}

Error in_store_file(Error error, std::string_view folder) { return about_file(std::move(error), path_in(folder)); }

Result<std::optional<StoreFile>> read_store_file(posix::BoundedAccess& folder) {
  std::string path = path_in(folder.folder());
  auto text = folder.read_small_file({}, path);
  if (!text) return fail(std::move(text).error());
  if (!*text) return std::nullopt;
  auto file = parse_store_file(**text);
  if (!file) return fail(about_file(std::move(file).error(), path));
  return *std::move(file);
}

Result<std::vector<StoreConfig>> parse_config_file(std::string_view text) {
  if (holds_presentation_forms(text)) return malformed("characters U+FB00 to U+FEFE are not taken");
  try {
    return store_entries(toml::parse(text));
  } catch (const toml::parse_error& error) {  // its own words repeat the text as well
    return malformed(
        fmt::format("malformed TOML at line {}, column {}", error.source().begin.line, error.source().begin.column));
  }
}

Result<std::vector<StoreConfig>> read_config_file(const std::string& path) {
  auto text = posix::BoundedAccess(path).read_small_file({}, path);
  if (!text) return fail(std::move(text).error());
  if (!*text) return fail(ErrorCode::kNotFound, fmt::format("configuration file {} does not exist", quote(path)));
  auto stores = parse_config_file(**text);
  if (!stores) return fail(about_file(std::move(stores).error(), path));
  return stores;
}

}  // namespace scabbard
