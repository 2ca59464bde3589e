#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/quantities.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "store/listing.hpp"
#include "store/object_name.hpp"

namespace scabbard::cli {
namespace {

struct DuOptions {
  std::vector<std::string> locations = {"."};
  bool summary = false;
  bool exact = false;
  bool uploads = false;
};

// What lies directly in the folder counts under an empty name.
using Sums = std::map<std::string, Amount, std::less<>>;

Result<Sums> sums_of(const Place& place) {
  Sums sums;
  std::size_t prefix = place.object.empty() ? 0 : place.object.size() + 1;
  auto listed = for_each_entry({}, *place.store, {.folder = place.object}, [&](const ListEntry& entry) -> Result<void> {
    std::string_view name = std::string_view(entry.name).substr(prefix);
    auto slash = name.find('/');
    std::string_view folder = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
    auto sum = sums.find(folder);
    if (sum == sums.end()) sum = sums.emplace(std::string(folder), Amount{}).first;
    ++sum->second.objects;
    sum->second.bytes += entry.info.size;
    return {};
  });
  if (!listed) return fail(std::move(listed).error());
  return sums;
}

class Du {
 public:
  Du(Session& session, const DuOptions& options) : session_(session), options_(options) {}

  void run() {
    for (const std::string& location : options_.locations) {
      auto place = session_.find(location);
      if (!place) continue;
      if (auto shown = options_.uploads ? show_uploads(*place) : show(*place); !shown) session_.report(shown.error());
    }
  }

 private:
  Result<void> show(const Place& place) {
    if (!place.object.empty()) {
      auto info = place.store->stat({}, place.object);
      if (info) {
        line(place.text, place.location(place.object), {.objects = 1, .bytes = info->size});
        return {};
      }
      if (info.error().code == ErrorCode::kNotFound) return show_folder(place, true);
      if (!Session::is_folder(place, info.error())) return fail(std::move(info).error());
    }
    return show_folder(place, false);
  }

  Result<void> show_folder(const Place& place, bool may_be_missing) {
    auto sums = sums_of(place);
    if (!sums) return fail(std::move(sums).error());
    if (sums->empty() && may_be_missing) {
      session_.report({.code = ErrorCode::kNotFound,
                       .message = fmt::format("{}: no object or folder has that name", quote(place.text)),
                       .request_id = {}},
                      ExitStatus::kStoreNotFound);
      return {};
    }
    Amount total;
    for (const auto& [folder, sum] : *sums) {
      total.objects += sum.objects;
      total.bytes += sum.bytes;
      if (options_.summary || folder.empty()) continue;
      std::string object = joined(place.object, folder);
      line(folder + "/", place.location(object), sum);
    }
    line(place.text, place.location(place.object), total);
    return {};
  }

  Result<void> show_uploads(const Place& place) {
    auto writes = place.store->unfinished_writes({}, place.object);
    if (!writes) return fail(std::move(writes).error());
    std::uint64_t bytes = 0;
    for (const UnfinishedWrite& write : *writes) {
      bytes += write.bytes;
      if (!options_.summary) upload_line(place, write);
    }
    if (session_.json) {
      session_.out.json({{"location", place.location(place.object)}, {"uploads", writes->size()}, {"bytes", bytes}});
    } else {
      session_.out.line(fmt::format("{:>15}  {:>10} {}  {}", size(bytes), writes->size(),
                                    writes->size() == 1 ? "upload " : "uploads", session_.out.shown(place.text)));
    }
    return {};
  }

  void upload_line(const Place& place, const UnfinishedWrite& write) {
    if (session_.json) {
      return session_.out.json({{"location", place.location(write.object)},
                                {"upload", write.id},
                                {"bytes", write.bytes},
                                {"begun", utc_time(write.begun)}});
    }
    session_.out.line(fmt::format("{:>15}  begun {}  {}", size(write.bytes), utc_time(write.begun),
                                  session_.out.shown(write.object)));
  }

  std::string size(std::uint64_t bytes) const { return options_.exact ? std::to_string(bytes) : human_size(bytes); }

  void line(std::string_view name, const std::string& location, const Amount& sum) {
    if (session_.json) {
      return session_.out.json({{"location", location}, {"objects", sum.objects}, {"bytes", sum.bytes}});
    }
    session_.out.line(fmt::format("{:>15}  {:>10} {}  {}", size(sum.bytes), sum.objects,
                                  sum.objects == 1 ? "object " : "objects", session_.out.shown(name)));
  }

  Session& session_;
  const DuOptions& options_;
};

}  // namespace

void add_du(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("du", "Sum up the sizes of objects, by folder");
  auto options = std::make_shared<DuOptions>();
  command->add_option("LOCATION", options->locations, "Folders, stores or objects (here: .)");
  command->add_flag("-s,--summary", options->summary, "Only the sum of each location");
  command->add_flag("-b,--bytes", options->exact, "Sizes in bytes");
  command->add_flag(
      "--uploads", options->uploads,
      "What unfinished uploads take instead, which nothing else shows (S3; MinIO tells only of those of an "
      "object that is named in full)");
  command->set_help_flag("--help", "Print this help message and exit");
  command->add_flag_callback("-h,--human", [] {}, "Sizes as people read them: this is so anyway");
  session.add_options(*command);
  command->callback([&session, options] { Du(session, *options).run(); });
}

}  // namespace scabbard::cli
