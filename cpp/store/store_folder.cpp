#include "store/store_folder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/options.hpp"
#include "base/text.hpp"
#include "store/listing.hpp"
#include "store/object_name.hpp"
#include "store/posix/posix_store.hpp"
#include "store/registry.hpp"
#include "store/url.hpp"

namespace scabbard {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 63;  // of a host's label

bool is_plain(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.'; }

Result<void> check_name(std::string_view name) {
  bool fits = !name.empty() && name.size() <= kLongestName &&
              std::ranges::all_of(name, [](char c) { return is_plain(c) || c == '-' || c == '_'; });
  if (fits) return {};
  return fail(
      ErrorCode::kInvalidPath,
      fmt::format("name {}: must be 1 to {} letters, digits, '.', '-' and '_': damocles makes it the host of a URL",
                  quote(name), kLongestName));
}

std::unexpected<Error> is_store_already(const fs::path& folder) {
  return fail(
      ErrorCode::kAlreadyExists,
      fmt::format("{} is a store already: it has a {}; nothing was changed (scabbard takes it for its own once its "
                  "PluginName is \"scabbard\")",
                  quote(folder.string()), kStoreFileName));
}

// JSON holds nothing else, and damocles could not be told the folder in TOML either.
Result<void> check_text(const std::string& folder, const StoreFile& file) {
  bool valid = is_utf8(folder) && std::ranges::all_of(file.meta, [](const auto& option) {
                 return is_utf8(option.first) && is_utf8(option.second);
               });
  if (valid) return {};
  return fail(ErrorCode::kInvalidPath, fmt::format("init {}: the folder, the URL or an option is not UTF-8, which "
                                                   "damocles' files have to be",
                                                   quote(folder)));
}

// A store in a store would be listed, and removed, as objects of the outer one.
Result<void> check_is_no_store(const Context& ctx, const fs::path& folder) {
  for (fs::path at = folder;; at = at.parent_path()) {
    posix::BoundedAccess access(at.string());
    auto file = read_store_file(ctx, access);
    if (!file && at == folder) return fail(std::move(file).error());
    if (at == folder && *file) return is_store_already(folder);
    if (file && *file && (*file)->is_ours()) {
      return fail(ErrorCode::kAlreadyExists,
                  fmt::format("{} lies in the store {}", quote(folder.string()), quote(at.string())));
    }
    if (at == at.root_path()) return {};
  }
}

// Nor may there be one right in it, as where the folder of all stores is taken for one of them.
Result<void> check_holds_no_store(const Context& ctx, const fs::path& folder) {
  auto store = posix::open_store({.name = folder.string(), .path = folder.string(), .meta = {}}, folder.string(), {});
  if (!store && store.error().code == ErrorCode::kNotFound) return {};  // still to be made
  if (!store) return fail(std::move(store).error());
  return for_each_entry(ctx, **store, {.folder = {}, .recursive = false}, [&](const ListEntry& entry) -> Result<void> {
    if (!entry.is_folder || !(*store)->stat(ctx, joined(entry.name, kStoreFileName))) return {};
    return fail(ErrorCode::kAlreadyExists,
                fmt::format("{} holds a store, {}; a store in a store would be listed, and removed, with it",
                            quote(folder.string()), quote(entry.name)));
  });
}

Result<void> check_can_be_opened(const StoreFile& file) {
  auto url = file.meta.find("Url");
  if (url != file.meta.end()) {
    auto meta = file.meta;
    meta.erase("Url");
    auto store = open_store({.name = file.name, .path = url->second, .meta = std::move(meta)});
    if (!store) return fail(std::move(store).error());
    return {};
  }
  auto options = Options::parse("file", file.meta);
  if (!options) return fail(std::move(options).error());
  return {};
}

// As an object of the folder above, since that of a store is none of its own objects.
Result<void> write_store_file(const Context& ctx, const fs::path& folder, std::string_view text) {
  std::string parent = folder.parent_path().string();
  auto above = posix::open_store({.name = parent, .path = parent, .meta = {}}, parent, {});
  if (!above) return fail(std::move(above).error());
  auto writer = (*above)->create(ctx, joined(folder.filename().string(), kStoreFileName),
                                 {.exclusive = true, .length = text.size()});
  if (!writer) return fail(std::move(writer).error());
  if (auto written = (*writer)->write(ctx, std::as_bytes(std::span(text))); !written) return written;
  if (auto finished = (*writer)->finish(ctx); !finished) return fail(std::move(finished).error());
  return {};
}

}  // namespace

std::string store_name_for(std::string_view url_or_folder) {
  std::string source(url_or_folder);
  if (auto url = parse_url(url_or_folder)) {
    source = url->authority + url->path;
  } else {
    source = fs::path(source).filename().string();
  }
  std::string name;
  for (char c : source) {
    if (is_plain(c)) {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name = name.substr(0, kLongestName);
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "store" : name;
}

Result<void> make_store_folder(const Context& ctx, const std::string& folder, const StoreFile& file) {
  if (auto valid = check_name(file.name); !valid) return valid;
  fs::path path(folder);
  if (path == path.root_path()) return fail(ErrorCode::kInvalidPath, "the root folder cannot be a store");
  if (auto valid = check_text(folder, file); !valid) return valid;
  if (auto none = check_is_no_store(ctx, path); !none) return none;
  if (auto none = check_holds_no_store(ctx, path); !none) return none;
  if (auto valid = check_can_be_opened(file); !valid) return valid;
  auto written = write_store_file(ctx, path, store_file_text(file));
  // Somebody was quicker.
  if (!written && written.error().code == ErrorCode::kAlreadyExists) return is_store_already(path);
  return written;
}

}  // namespace scabbard
