#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/quantities.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"

namespace scabbard::cli {
namespace {

struct LsOptions {
  std::vector<std::string> locations = {"."};
  bool recursive = false;
  bool details = false;
  bool human = false;
};

class Ls {
 public:
  Ls(Session& session, const LsOptions& options) : session_(session), options_(options) {}

  void run() {
    for (const std::string& location : options_.locations) {
      auto place = session_.find(location);
      if (!place) continue;
      if (auto listed = list(*place); !listed) session_.report(listed.error());
      if (session_.out.failed()) return;
    }
  }

 private:
  Result<void> list(const Place& place) {
    if (!place.object.empty()) {
      auto info = place.store->stat({}, place.object);
      if (info) {
        show(place, {.name = place.object, .info = *std::move(info)}, place.text);
        return {};
      }
      if (info.error().code == ErrorCode::kNotFound) return list_missing(place);
      if (!Session::is_folder(place, info.error())) return fail(std::move(info).error());
    }
    auto shown = options_.recursive ? stream(place) : sorted(place);
    if (!shown) return fail(std::move(shown).error());
    return {};
  }

  // What is no object may be a folder, in a store that has folders by their objects only.
  Result<void> list_missing(const Place& place) {
    auto shown = options_.recursive ? stream(place) : sorted(place);
    if (!shown) return fail(std::move(shown).error());
    if (*shown > 0) return {};
    session_.report({.code = ErrorCode::kNotFound,
                     .message = fmt::format("{}: no object or folder has that name", quote(place.text)),
                     .request_id = {}},
                    ExitStatus::kStoreNotFound);
    return {};
  }

  // One level, as people look for names. How many entries there were.
  Result<std::size_t> sorted(const Place& place) {
    std::vector<ListEntry> entries;
    auto listed = each_page(place, false,
                            [&](std::vector<ListEntry> page) { std::ranges::move(page, std::back_inserter(entries)); });
    if (!listed) return fail(std::move(listed).error());
    std::ranges::sort(entries, {}, &ListEntry::name);
    for (const ListEntry& entry : entries) show_below(place, entry);
    return entries.size();
  }

  // All levels, in the order in which they are found: there may be millions.
  Result<std::size_t> stream(const Place& place) {
    std::size_t count = 0;
    auto listed = each_page(place, true, [&](const std::vector<ListEntry>& page) {
      count += page.size();
      for (const ListEntry& entry : page) show_below(place, entry);
    });
    if (!listed) return fail(std::move(listed).error());
    return count;
  }

  template <class Take>
  Result<void> each_page(const Place& place, bool recursive, Take take) {
    auto lister = place.store->list(
        {}, {.folder = place.object, .recursive = recursive, .names_only = !options_.details && !session_.json});
    if (!lister) return fail(std::move(lister).error());
    while (!session_.out.failed()) {
      auto page = (*lister)->next({});
      if (!page) return fail(std::move(page).error());
      if (page->empty()) break;
      take(*std::move(page));
    }
    return {};
  }

  void show_below(const Place& place, const ListEntry& entry) {
    std::string_view name = entry.name;
    if (!place.object.empty()) name.remove_prefix(place.object.size() + 1);
    show(place, entry, name);
  }

  void show(const Place& place, const ListEntry& entry, std::string_view name) {
    if (session_.json) return show_json(place, entry, name);
    if (options_.details) {
      if (entry.is_folder) {
        session_.out.write(fmt::format("{:>15}  {:20}  ", "-", "-"));
      } else {
        std::string size = options_.human ? human_size(entry.info.size) : std::to_string(entry.info.size);
        session_.out.write(fmt::format("{:>15}  {:20}  ", size, utc_time(entry.info.modified)));
      }
    }
    std::string shown = session_.out.shown(name);
    if (!entry.is_folder) {
      session_.out.line(shown);
    } else if (coloured_) {
      session_.out.line("\x1b[1;34m" + shown + "\x1b[0m/");
    } else {
      session_.out.line(shown + "/");
    }
  }

  void show_json(const Place& place, const ListEntry& entry, std::string_view name) {
    nlohmann::ordered_json line = {{"name", name}, {"location", place.location(entry.name)}};
    if (entry.is_folder) {
      line["folder"] = true;
    } else {
      line["size"] = entry.info.size;
      line["modified"] = utc_time(entry.info.modified);
      line["version"] = entry.info.version;
    }
    session_.out.json(line);
  }

  Session& session_;
  const LsOptions& options_;
  const bool coloured_ = takes_colours(1);
};

}  // namespace

void add_ls(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("ls", "List objects and folders");
  auto options = std::make_shared<LsOptions>();
  command->add_option("LOCATION", options->locations, "What to list: a folder, a store or an object (here: .)");
  command->add_flag("-r,-R,--recursive", options->recursive, "Objects of all folders below, in no particular order");
  command->add_flag("-l,--long", options->details, "With size in bytes and time of modification (UTC)");
  command->set_help_flag("--help", "Print this help message and exit");
  command->add_flag("-h,--human", options->human, "With --long: sizes as people read them");
  session.add_options(*command);
  command->callback([&session, options] { Ls(session, *options).run(); });
}

}  // namespace scabbard::cli
