#include "fault/crash_history.hpp"

#include <dirent.h>

#include <algorithm>

#include "store/object_name.hpp"
#include "store/posix/posix_store.hpp"
#include "support/result_matchers.hpp"
#include "support/whole_objects.hpp"

namespace scabbard::posix {
namespace {

constexpr std::size_t kMostViolations = 30;

std::string describe(const CrashHistory::Content& content) {
  return content ? std::to_string(content->size()) + " bytes" : "missing";
}

void find_temporaries(FileCalls& calls, const std::string& folder, std::vector<std::string>& found) {
  std::vector<DirectoryEntry> entries;
  if (calls.read_directory(folder, entries) < 0) return;
  for (const DirectoryEntry& entry : entries) {
    if (entry.type == DT_DIR) find_temporaries(calls, folder + "/" + entry.name, found);
    if (entry.name.starts_with(kTemporaryPrefix)) found.push_back(folder + "/" + entry.name);
  }
}

}  // namespace

CrashHistory::CrashHistory(ModelFilesystem& model, std::string root) : model_(model), root_(std::move(root)) {
  model_.after_every_change([this] { keep_images(); });
}

CrashHistory::~CrashHistory() { model_.after_every_change({}); }

bool CrashHistory::step(const std::string& what, const std::string& object, const Content& content,
                        const std::function<bool()>& action) {
  bool acknowledged = false;
  step(what, {{object, content}}, [&] {
    acknowledged = action();
    return std::map<std::string, bool>{{object, acknowledged}};
  });
  return acknowledged;
}

void CrashHistory::step(const std::string& what, const std::map<std::string, Content>& contents,
                        const std::function<std::map<std::string, bool>()>& action) {
  {
    std::lock_guard lock(mutex_);
    current_ = what;
    for (const auto& [object, content] : contents) {
      // Whatever is expected of an object that was never mentioned: that it is not there.
      allowed_.try_emplace(object, std::vector<Content>{std::nullopt}).first->second.push_back(content);
    }
  }
  const std::map<std::string, bool> acknowledged = action();
  {
    std::lock_guard lock(mutex_);
    const bool all = std::ranges::all_of(acknowledged, [](const auto& entry) { return entry.second; });
    current_ = what + (all ? ", acknowledged" : ", refused");
    for (const auto& [object, done] : acknowledged) {
      if (done) allowed_[object] = {contents.at(object)};
    }
  }
  keep_images();
}

void CrashHistory::step(const std::string& what, const std::function<void()>& action) {
  {
    std::lock_guard lock(mutex_);
    current_ = what;
  }
  action();
  keep_images();
}

void CrashHistory::keep_images() {
  std::vector<ModelFilesystem::Image> images = model_.crash_images();
  std::lock_guard lock(mutex_);
  for (ModelFilesystem::Image& image : images) {
    crashes_.push_back({.during = current_, .image = std::move(image), .allowed = allowed_});
  }
}

std::size_t CrashHistory::crashes() const {
  std::lock_guard lock(mutex_);
  return crashes_.size();
}

std::vector<std::string> CrashHistory::violations() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const Crash& crash : crashes_) {
    for (const std::string& violation : violations_of(crash)) {
      all.push_back("power cut in \"" + crash.during + "\": " + violation + "; the disk has\n" +
                    ModelFilesystem::describe(crash.image));
    }
    if (all.size() >= kMostViolations) break;
  }
  return all;
}

std::vector<std::string> CrashHistory::violations_of(const Crash& crash) const {
  ModelFilesystem machine(crash.image);
  auto opened = open_store({.name = "after the power cut", .path = root_, .meta = {}}, root_,
                           {.guard = Settings::Guard::kNever, .calls = &machine});
  if (!opened) return {"the store cannot be opened: " + opened.error().message};
  Store& store = **opened;
  std::vector<std::string> found;
  std::set<std::string> present;
  const auto judge = [&](const std::string& when) {
    for (const auto& [object, contents] : crash.allowed) {
      const auto bytes = get_bytes(store, Context(), object);
      if (!bytes && bytes.error().code != ErrorCode::kNotFound) {
        found.push_back(object + when + " cannot be read: " + bytes.error().message);
        continue;
      }
      const Content content = bytes ? Content(*bytes) : std::nullopt;
      if (content) present.insert(object);
      if (std::ranges::find(contents, content) == contents.end()) {
        found.push_back(object + when + " is " + describe(content) + ", not " +
                        (contents.size() > 1 ? "what it was before or after" : describe(*contents.begin())));
      }
    }
  };
  judge("");
  const auto swept = store.sweep(Context());
  if (!swept) found.push_back("the sweep fails: " + swept.error().message);
  judge(", after the sweep,");
  std::vector<std::string> temporaries;
  find_temporaries(machine, root_, temporaries);
  for (const std::string& temporary : temporaries) found.push_back("the sweep leaves " + temporary);
  const auto names = list_names(store, Context());
  if (!names) {
    found.push_back("the listing fails: " + names.error().message);
  } else if (*names != present) {
    found.push_back("the listing has " + std::to_string(names->size()) + " objects, not " +
                    std::to_string(present.size()));
  }
  return found;
}

}  // namespace scabbard::posix
