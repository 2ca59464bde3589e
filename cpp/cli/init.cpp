#include <fmt/core.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/options.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "store/store_folder.hpp"
#include "store/url.hpp"

namespace scabbard::cli {
namespace {

struct InitOptions {
  std::string folder;
  std::string name;
  std::string url;
  std::vector<std::string> options;
  bool read_only = false;
};

Result<std::map<std::string, std::string>> meta_of(const InitOptions& given) {
  std::map<std::string, std::string> meta;
  if (!given.url.empty()) meta.emplace("Url", given.url);
  for (const std::string& option : given.options) {
    auto equals = option.find('=');
    if (equals == 0 || equals == std::string::npos) {  // not repeated: it could be a misplaced secret
      return fail(ErrorCode::kInvalidPath, "--option: one is not of the form Key=Value");
    }
    if (!meta.emplace(option.substr(0, equals), option.substr(equals + 1)).second) {
      return fail(ErrorCode::kInvalidPath, fmt::format("option {}: given twice", quote(option.substr(0, equals))));
    }
  }
  auto canonical = with_canonical_names(meta);
  if (!canonical) return canonical;
  // The manager is started somewhere else.
  for (const char* option : {"CaFile", "CredentialsFile"}) {
    auto file = canonical->find(option);
    std::error_code failed;
    if (file != canonical->end() && !file->second.empty())
      file->second = std::filesystem::absolute(file->second, failed).string();
  }
  return canonical;
}

Result<StoreFile> store_file_of(const InitOptions& given, const std::string& folder) {
  auto meta = meta_of(given);
  if (!meta) return fail(std::move(meta).error());
  std::string name = given.name.empty() ? store_name_for(meta->contains("Url") ? meta->at("Url") : folder) : given.name;
  return StoreFile{
      .name = std::move(name), .plugin_name = "scabbard", .meta = *std::move(meta), .read_only = given.read_only};
}

// Quoted as TOML wants it, which is as JSON does.
std::string toml_string(const std::string& text) { return quote(text, text.size()); }

// damocles takes the paths for patterns: the manager in Go's language, in which a backslash escapes, the worker in
// that of Rust's glob, in which it does not. Classes of one character mean the same in both.
std::string pattern_for(const std::string& folder) {
  std::string pattern;
  for (char c : folder) {
    if (c == '*' || c == '?' || c == '[') {
      pattern += fmt::format("[{}]", c);
    } else if (c == '\\') {
      pattern += R"([\\])";  // Go: the second one. Rust: both
    } else {
      pattern += c;
    }
  }
  return pattern;
}

std::string what_to_do_next(const std::string& folder, const StoreFile& file) {
  std::string list = toml_string(pattern_for(folder));
  // The worker's own transfer would write into the folder, and not to the URL.
  const std::string_view transfer = !file.meta.contains("Url") ? ""
                                                               : "\n"
                                                                 "  [[processors.transfer]]\n"
                                                                 "  bin = \"scabbard\"\n"
                                                                 "  args = [\"processor\", \"transfer\"]";
  return fmt::format(
      "Wrote {}: store {}.\n"
      "\n"
      "damocles-manager finds it with these lines in its configuration, once it has the plugin ([Common.Plugins] "
      "Dir):\n"
      "\n"
      "  [Common]\n"
      "  ScanPersistStores = [{}]\n"
      "\n"
      "and damocles-worker, on every machine that has the folder with this file, with these:\n"
      "\n"
      "  [worker]\n"
      "  scan_persist_stores = [{}]{}\n"
      "\n"
      "Where such a table or line is there already, add to it. A store that [[Common.PersistStores]] names already "
      "must\n"
      "not be found a second time: take it out there, and give its Name to `init --name`. Every store needs a name of\n"
      "its own, the same on all machines.",
      quote(folder + "/" + std::string(kStoreFileName)), toml_string(file.name), list, list, transfer);
}

Result<void> init(const Context& ctx, Session& session, const InitOptions& given) {
  std::error_code failed;
  auto path = std::filesystem::absolute(given.folder, failed).lexically_normal();
  if (failed || given.folder.empty()) return fail(ErrorCode::kInvalidPath, "FOLDER: is no path");
  if (is_url(given.folder)) {
    return fail(ErrorCode::kInvalidPath,
                "FOLDER: is a URL; name the folder for sectorstore.json, and the URL with --url");
  }
  std::string folder = path.has_filename() ? path.string() : path.parent_path().string();
  auto file = store_file_of(given, folder);
  if (!file) return fail(std::move(file).error());
  if (auto made = make_store_folder(ctx, folder, *file); !made) return made;
  if (session.json) {
    session.out.json({{"file", fmt::format("{}/{}", folder, kStoreFileName)}, {"name", file->name}});
  } else if (!session.quiet) {
    session.out.line(what_to_do_next(folder, *file));
  }
  return {};
}

}  // namespace

void add_init(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("init", "Make a folder a store: write its sectorstore.json");
  auto options = std::make_shared<InitOptions>();
  command->add_option("FOLDER", options->folder, "The store folder; made where only it is missing")->required();
  command->add_option("--name", options->name, "What manager and workers call it (made from the URL or the folder)")
      ->type_name("N");
  command->add_option("--url", options->url, "Where the objects are, if not in the folder itself")->type_name("URL");
  command->add_option("--option", options->options, "An option of the store, see `scabbard help options`; repeatable")
      ->type_name("Key=Value")
      ->allow_extra_args(false);
  command->add_flag("--read-only", options->read_only, "Refuse all writes");
  session.add_options(*command);
  command->callback([&session, options] {
    session.set_up_log();
    Interruption interruption;
    auto done = init(interruption.context(), session, *options);
    interruption.die_if_interrupted();
    if (!done) session.report(done.error(), exit_status_of_opening(done.error()));
  });
}

}  // namespace scabbard::cli
