#include "extproc/replaced_folder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "store/listing.hpp"
#include "store/local_links.hpp"
#include "store/object_name.hpp"
#include "store/store_file.hpp"

namespace scabbard::extproc {
namespace {

bool is_none(const Result<void>& removed) { return !removed && removed.error().code == ErrorCode::kNotFound; }

}  // namespace

Result<ReplacedFolder> ReplacedFolder::look(const Context& ctx, Store& store, const std::string& folder, bool others) {
  ReplacedFolder replaced(folder);
  auto take = [&](const ListEntry& entry) -> Result<void> {
    if (is_inner_store_file(entry.name)) {
      return fail(ErrorCode::kInvalidPath,
                  fmt::format("{} cannot be replaced: {} makes it a store", quote(store.location(folder)),
                              quote(store.location(entry.name))));
    }
    replaced.names_.insert(entry.name);
    if (entry.is_other) replaced.others_.insert(entry.name);
    return {};
  };
  ListOptions options{.folder = folder, .follow_links = false, .others = others, .names_only = true};
  auto listed = for_each_entry(ctx, store, options, take);
  // In a store, a folder may be a link to another disk, and stay one.
  options.follow_links = true;
  const bool is_link = !listed && listed.error().code == ErrorCode::kNotRegularFile;
  if (is_link) listed = for_each_entry(ctx, store, options, take);
  if (!listed) return fail(std::move(listed).error());
  return replaced;
}

ReplacedFolder ReplacedFolder::link(std::string folder) {
  ReplacedFolder replaced(folder);
  replaced.names_.insert(std::move(folder));
  return replaced;
}

Result<void> ReplacedFolder::clear_way(const Context& ctx, Store& store, const std::set<std::string>& objects) {
  std::set<std::string> in_the_way;
  std::set<std::string> folders;  // where objects are to be
  for (const std::string& name : names_) {
    for (const std::string& above : folders_above(name)) {
      if (!objects.contains(above)) continue;
      in_the_way.insert(name);
      folders.insert(above);
    }
  }
  for (const std::string& object : objects) {
    for (const std::string& above : folders_above(object)) {
      if (names_.contains(above)) in_the_way.insert(above);
    }
    if (others_.contains(object)) in_the_way.insert(object);
    // One with nothing in it but what is in the way.
    if (store.capabilities().local_files && is_folder(store.location(object))) folders.insert(object);
  }
  if (auto removed = remove(ctx, store, in_the_way); !removed) return removed;
  for (const std::string& folder : folders) {
    if (auto removed = store.remove_folder(ctx, folder); !removed) return removed;
  }
  std::erase_if(names_, [&](const std::string& name) { return in_the_way.contains(name); });
  return {};
}

Result<void> ReplacedFolder::remove_rest(const Context& ctx, Store& store, const std::set<std::string>& objects) {
  std::set<std::string> rest;
  std::ranges::set_difference(names_, objects, std::inserter(rest, rest.end()));
  if (auto removed = remove(ctx, store, rest); !removed) return removed;
  std::set<std::string> kept;
  for (const std::string& object : objects) {
    for (std::string& above : folders_above(object)) kept.insert(std::move(above));
  }
  std::set<std::string> left;
  for (const std::string& name : rest) {
    for (const std::string& above : folders_above(name)) {
      if (lies_in(above, folder_) && !kept.contains(above)) left.insert(above);
    }
  }
  for (const std::string& folder : left) {
    if (auto removed = store.remove_folder(ctx, folder); !removed) return removed;
  }
  return {};
}

Result<void> ReplacedFolder::remove(const Context& ctx, Store& store, const std::set<std::string>& names) {
  std::vector<ObjectRemoval> removals;
  removals.reserve(names.size());
  for (const std::string& name : names) removals.push_back({.object = name});
  store.remove_many(ctx, removals);
  for (ObjectRemoval& removal : removals) {
    const bool is_other = !removal.result && removal.result.error().code == ErrorCode::kNotRegularFile;
    if (is_other && store.capabilities().local_files) removal.result = remove_other(store.location(removal.object));
    if (!removal.result && !is_none(removal.result)) return removal.result;
  }
  return {};
}

}  // namespace scabbard::extproc
