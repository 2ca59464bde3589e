// sectorstore.json and scabbard.toml: the two ways in which stores are described on disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scabbard/store.hpp"
#include "store/posix/bounded_access.hpp"

namespace scabbard {

/// The name of damocles' file in a store folder.
inline constexpr std::string_view kStoreFileName = "sectorstore.json";

/// Whether an object is the sectorstore.json of a folder in its store, which makes that folder a store in a store.
inline bool is_inner_store_file(std::string_view object) {
  auto slash = object.rfind('/');
  return slash != std::string_view::npos && object.substr(slash + 1) == kStoreFileName;
}

/// Where the objects of a store are by its Meta, fit to be shown; nothing where that is its folder.
std::optional<std::string> url_elsewhere(const std::map<std::string, std::string>& meta);

/// What a sectorstore.json says, as far as it concerns us.
struct StoreFile {
  std::string name;         ///< Name, or ID where that is empty
  std::string plugin_name;  ///< PluginName, or the older Plugin
  StoreConfig as_config(std::string_view folder) const;
  std::map<std::string, std::string> meta;
  bool read_only = false;

  bool is_ours() const { return plugin_name == "scabbard"; }
};

/// Parses the text of a sectorstore.json. kInvalidArgument says where it is malformed.
Result<StoreFile> parse_store_file(std::string_view text);

/// An error of what the sectorstore.json of `folder` says, with the file named.
Error in_store_file(Error error, std::string_view folder);

/// The sectorstore.json of the folder; nothing where it has none. Errors name the file; kUnavailable where the
/// folder does not answer.
Result<std::optional<StoreFile>> read_store_file(const Context& ctx, posix::BoundedAccess& folder);

/// The text of a sectorstore.json, with all the fields that damocles' own generator writes.
std::string store_file_text(const StoreFile& file);

/// A [[store]] entry of a configuration file.
struct ConfiguredStore {
  StoreConfig config;
  /// Paths below it are objects of the store; empty where there is no such folder.
  std::string folder;
};

/// Parses the text of a configuration file with [[store]] entries: Name, Path, Folder, Meta, ReadOnly and damocles'
/// other keys. Unknown keys are refused.
Result<std::vector<ConfiguredStore>> parse_config_file(std::string_view text);

/// The same from a file. Errors name it.
Result<std::vector<ConfiguredStore>> read_config_file(const std::string& path);

}  // namespace scabbard
