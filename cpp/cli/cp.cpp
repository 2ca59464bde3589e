#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <set>
#include <vector>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/progress.hpp"
#include "cli/standard_streams.hpp"
#include "store/copy.hpp"
#include "store/listing.hpp"
#include "store/object_kind.hpp"
#include "store/object_name.hpp"
#include "store/store_file.hpp"

namespace scabbard::cli {
namespace {

constexpr std::string_view kStandardStream = "-";

struct CpOptions {
  std::vector<std::string> locations;  // the last one is the destination
  bool recursive = false;
  bool keep_existing = false;
  bool is_exact = false;
  std::optional<std::uint64_t> size;
  unsigned jobs = 4;
};

// What a place is called in the folder that it lies in.
std::string base_name(const Place& place) {
  std::filesystem::path path(place.object.empty() ? place.store->location("") : place.object);
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

class Cp {
 public:
  Cp(Session& session, const CpOptions& options) : session_(session), options_(options) {}

  void run() {
    auto sources = options_.locations;
    std::string destination = sources.back();
    sources.pop_back();
    if (options_.is_exact && sources.size() > 1) {
      return session_.report(fail(ErrorCode::kInvalidPath, "cp: --exact takes one source").error());
    }
    for (const std::string& source : sources) {
      if (auto done = copy(source, destination, sources.size() > 1); !done) session_.report(done.error());
      if (context().ended()) break;
    }
    session_.out.send();  // what fails there is reported at the end, unless this is the end
    interruption_.die_if_interrupted();
  }

 private:
  const Context& context() const { return interruption_.context(); }

  Result<void> copy(const std::string& source, const std::string& destination, bool into_folder) {
    if (source == kStandardStream && destination == kStandardStream) {
      return fail(ErrorCode::kInvalidPath, "standard input and output are no two objects");
    }
    if (source == kStandardStream) return copy_from_input(destination);
    if (options_.size) return fail(ErrorCode::kInvalidPath, "cp: --size is for standard input");
    auto from = session_.find(source);
    if (!from) return {};
    if (destination == kStandardStream) return copy_to_output(*from);
    auto to = session_.find(destination);
    if (!to) return {};
    auto kind = kind_of(context(), *from->store, from->object);
    if (!kind) return fail(std::move(kind).error());
    if (*kind == Kind::kFolder) return copy_folder(*from, *to, into_folder);
    return copy_one(*from, *to, into_folder);
  }

  // The object that a source becomes at the destination.
  Result<std::string> target(const Place& to, const std::string& name, bool into_folder) {
    if (options_.is_exact) return to.object;
    bool is_folder = into_folder || to.has_slash;
    if (!is_folder) {
      auto kind = kind_of(context(), *to.store, to.object);
      if (!kind) return fail(std::move(kind).error());
      is_folder = *kind == Kind::kFolder;
    }
    return is_folder ? joined(to.object, name) : to.object;
  }

  CreateOptions create_options(Progress& progress) const {
    return {.exclusive = options_.keep_existing, .length = {}, .progress = progress.bytes()};
  }

  Result<void> copy_one(const Place& from, const Place& to, bool into_folder) {
    auto object = target(to, base_name(from), into_folder);
    if (!object) return fail(std::move(object).error());
    if (object->empty()) return fail(ErrorCode::kInvalidPath, fmt::format("{} is a folder", quote(to.text)));
    if (auto lies = check_parent(to, *object); !lies) return lies;
    if (from.store == to.store && from.object == *object) return same(from);
    if (auto first = claim(from, to.location(*object)); !first) return first;
    auto info = from.store->stat(context(), from.object);
    if (!info) return fail(std::move(info).error());
    Progress progress(style(), Amount{.objects = 1, .bytes = info->size});
    auto written = copy_object(context(), *from.store, from.object, *to.store, *object, create_options(progress));
    progress.stop();
    if (!written && is_kept(written.error())) return {};
    if (!written) return fail(std::move(written).error());
    tell(from.location(from.object), to.location(*object), *written);
    return {};
  }

  Result<void> copy_folder(const Place& from, const Place& to, bool into_folder) {
    if (!options_.recursive) {
      return fail(ErrorCode::kNotRegularFile,
                  fmt::format("{} is no object; --recursive copies a folder with all that is in it", quote(from.text)));
    }
    // "folder/." means what is in the folder.
    bool contents = from.text == "." || from.text.ends_with("/.");
    auto folder = contents ? Result<std::string>(to.object) : target(to, base_name(from), into_folder);
    if (!folder) return fail(std::move(folder).error());
    if (auto lies = check_parent(to, *folder); !lies) return lies;
    if (lies_in(to, *folder, from)) return into_itself(from);
    if (auto first = claim(from, to.location(*folder)); !first) return first;
    auto entries = entries_below(from);
    if (!entries) return fail(std::move(entries).error());
    FolderCopy plan{.source = *from.store,
                    .source_folder = from.object,
                    .destination = *to.store,
                    .destination_folder = *folder,
                    .options = {},
                    .jobs = options_.jobs};
    if (copies_into_itself(context(), plan, *entries)) return into_itself(from);
    copy_all(plan, *entries);
    return {};
  }

  // In a store folders are made as needed. Elsewhere a path of which more is missing than its end is a typo, or on a
  // disk that is not mounted.
  static Result<void> check_parent(const Place& to, const std::string& object) {
    if (!to.is_local || !object.contains('/')) return {};
    std::string parent = object.substr(0, object.rfind('/'));
    if (auto info = to.store->stat({}, parent); !info && info.error().code != ErrorCode::kNotFound) return {};
    return fail(ErrorCode::kNotFound, fmt::format("{}: the folder {} does not exist, and lies in no store",
                                                  quote(to.text), quote(to.location(parent))));
  }

  static std::unexpected<Error> into_itself(const Place& from) {
    return fail(ErrorCode::kInvalidPath, fmt::format("{} cannot be copied into itself", quote(from.text)));
  }

  // Of several sources none replaces what another has become.
  Result<void> claim(const Place& from, const std::string& location) {
    if (made_.insert(location).second) return {};
    return fail(ErrorCode::kInvalidPath,
                fmt::format("{} would go where another source has gone, to {}", quote(from.text), quote(location)));
  }

  static bool lies_in(const Place& to, const std::string& folder, const Place& from) {
    std::string inner = to.location(folder) + "/";
    std::string outer = from.location(from.object) + "/";
    return inner.starts_with(outer);
  }

  // All of them, before the first is copied: to know how much there is, and not to find again what was copied.
  Result<std::vector<FolderEntry>> entries_below(const Place& from) {
    std::vector<FolderEntry> entries;
    std::size_t prefix = from.object.empty() ? 0 : from.object.size() + 1;
    auto take = [&](const ListEntry& entry) -> Result<void> {
      if (is_inner_store_file(entry.name)) return holds_store(from, entry.name);
      if (entry.is_other) {
        session_.report(left_out(from.location(entry.name)));
      } else {
        entries.push_back({entry.name.substr(prefix), entry.info.size});
      }
      return {};
    };
    auto listed = for_each_entry(context(), *from.store, {.folder = from.object, .others = true}, take);
    if (!listed) return fail(std::move(listed).error());
    auto kind = entries.empty() ? kind_of(context(), *from.store, from.object) : Kind::kFolder;
    if (kind && *kind == Kind::kNothing) {
      return fail(ErrorCode::kNotFound, fmt::format("{}: no object or folder has that name", quote(from.text)));
    }
    return entries;
  }

  static Error left_out(const std::string& location) {
    return {.code = ErrorCode::kNotRegularFile,
            .message = fmt::format("{}: left out: a link to nowhere (is its disk mounted?), a pipe, a device or a "
                                   "key that is no object's name",
                                   quote(location)),
            .request_id = {}};
  }

  // A copy of it would be a second store of the same name.
  static std::unexpected<Error> holds_store(const Place& from, const std::string& file) {
    std::string store = file.substr(0, file.rfind('/'));
    return fail(ErrorCode::kNotRegularFile, fmt::format("{}: {} in it is a store; copy what is in that by itself",
                                                        quote(from.text), quote(from.location(store))));
  }

  void copy_all(FolderCopy& plan, const std::vector<FolderEntry>& entries) {
    Amount total{.objects = entries.size(), .bytes = 0};
    for (const FolderEntry& entry : entries) total.bytes += entry.size;
    Progress progress(style(), total);
    plan.options = create_options(progress);
    std::vector<Error> failures;  // told when the bar is gone
    std::size_t done = 0;
    copy_entries(context(), plan, entries, [&](const ObjectCopy& copy) {
      progress.finished_object();
      if (copy.result || is_kept(copy.result.error())) ++done;
      if (copy.result) {
        tell(plan.source.location(copy.source), plan.destination.location(copy.object), *copy.result);
      } else if (!is_kept(copy.result.error()) && copy.result.error().code != ErrorCode::kCancelled) {
        failures.push_back(copy.result.error());
      }
    });
    progress.stop();
    report(failures, entries.size() - done);
  }

  // The first few of many, which tend to be alike.
  void report(const std::vector<Error>& failures, std::size_t not_copied) {
    constexpr std::size_t kMost = 10;
    for (const Error& failure : failures | std::views::take(kMost)) session_.report(failure);
    if (context().ended() || not_copied <= std::min(failures.size(), kMost)) return;
    Error rest{.code = ErrorCode::kInternal, .message = {}, .request_id = {}};
    if (!failures.empty()) rest = failures.front();
    rest.message = fmt::format("{} objects in all were not copied", not_copied);
    session_.report(rest);
  }

  bool is_kept(const Error& error) const { return options_.keep_existing && error.code == ErrorCode::kAlreadyExists; }

  Result<void> copy_from_input(const std::string& destination) {
    auto to = session_.find(destination);
    if (!to) return {};
    if (to->object.empty() || to->has_slash) {
      return fail(ErrorCode::kInvalidPath, fmt::format("{} is a folder; name the object to make", quote(destination)));
    }
    if (auto lies = check_parent(*to, to->object); !lies) return lies;
    Progress progress(style(), std::nullopt);
    CreateOptions options = create_options(progress);
    options.length = options_.size;
    auto written = put_standard_input(context(), *to->store, to->object, options);
    progress.stop();
    if (!written && is_kept(written.error())) return {};
    // Its producer has failed, rather than anything here.
    if (!written && options_.size && written.error().code == ErrorCode::kInvalidArgument)
      written.error().code = ErrorCode::kIo;
    if (!written) return fail(std::move(written).error());
    tell("-", to->location(to->object), *written);
    return {};
  }

  Result<void> copy_to_output(const Place& from) {
    if (from.object.empty()) {
      return fail(ErrorCode::kNotRegularFile, fmt::format("{} is a folder, not an object", quote(from.text)));
    }
    auto reader = from.store->open(context(), from.object);
    if (!reader) return fail(std::move(reader).error());
    Progress progress(style(), Amount{.objects = 1, .bytes = (*reader)->info().size});
    return write_to_standard_output(context(), **reader, progress.bytes());
  }

  void tell(const std::string& source, const std::string& destination, const WriteInfo& written) {
    if (!session_.json) return;
    nlohmann::ordered_json line = {{"source", source}, {"destination", destination}, {"size", written.size}};
    if (written.crc32c) line["crc32c"] = fmt::format("{:08x}", *written.crc32c);
    session_.out.json(line);
    if (session_.out.reader_has_gone()) interruption_.reader_has_gone();
  }

  static std::unexpected<Error> same(const Place& place) {
    return fail(ErrorCode::kInvalidPath, fmt::format("{} cannot be copied onto itself", quote(place.text)));
  }

  Progress::Style style() const { return Progress::style(session_.quiet, session_.json); }

  Session& session_;
  const CpOptions& options_;
  Interruption interruption_;
  std::set<std::string> made_;  // by the sources so far
};

}  // namespace

void add_cp(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("cp", "Copy objects: durable, and whole or not at all");
  auto options = std::make_shared<CpOptions>();
  command
      ->add_option("LOCATION", options->locations,
                   "Sources, then where they go: an object or a folder. - is standard input or output")
      ->required()
      ->expected(2, CLI::detail::expected_max_vector_size);
  command->add_flag("-r,-R,--recursive", options->recursive,
                    "Copy folders with all objects in them; FOLDER/. means only what is in it");
  command->add_flag("-n,--no-clobber", options->keep_existing, "Leave alone what exists already");
  command->add_flag("-T,--exact", options->is_exact, "The destination is the name itself, never a folder to copy into");
  command->add_option("--size", options->size, "Standard input must have so many bytes; otherwise nothing is stored")
      ->type_name("BYTES");
  command->add_option("-j,--jobs", options->jobs, "How many objects to copy at a time (4)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  session.add_options(*command);
  command->callback([&session, options] { Cp(session, *options).run(); });
}

}  // namespace scabbard::cli
