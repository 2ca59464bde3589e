#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/quantities.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/progress.hpp"
#include "store/copy.hpp"

namespace scabbard::cli {
namespace {

constexpr std::string_view kStandardStream = "-";
constexpr int kStandardInput = 0;
constexpr int kStandardOutput = 1;

struct CpOptions {
  std::vector<std::string> locations;  // the last one is the destination
  bool recursive = false;
  bool keep_existing = false;
  bool is_exact = false;
  unsigned jobs = 4;
};

std::string joined(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

// What a place is called in the folder that it lies in.
std::string base_name(const Place& place) {
  std::filesystem::path path(place.object.empty() ? place.store->location("") : place.object);
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

Error system_failure(std::string_view what) {
  int error = errno;
  return {.code = error == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
          .message = fmt::format("{}: {} ({})", what, ::strerrordesc_np(error), ::strerrorname_np(error)),
          .system_error = error,
          .request_id = {}};
}

// Waits until standard input or output can go on, or the context ends.
Result<void> wait_for(const Context& ctx, int descriptor, short events) {
  struct pollfd ready = {.fd = descriptor, .events = events, .revents = 0};
  while (true) {
    if (auto going = ctx.check("copy"); !going) return going;
    int count = ::poll(&ready, 1, 100);
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return fail(system_failure("wait for a standard stream"));
  }
}

class Cp {
 public:
  Cp(Session& session, const CpOptions& options) : session_(session), options_(options) {}

  void run() {
    auto sources = options_.locations;
    std::string destination = sources.back();
    sources.pop_back();
    for (const std::string& source : sources) {
      if (auto done = copy(source, destination, sources.size() > 1); !done) session_.report(done.error());
      if (context().ended()) break;
    }
    session_.out.flush();  // what fails there is reported at the end, unless this is the end
    interruption_.die_if_interrupted();
  }

 private:
  const Context& context() const { return interruption_.context(); }

  Result<void> copy(const std::string& source, const std::string& destination, bool into_folder) {
    if (source == kStandardStream && destination == kStandardStream) {
      return fail(ErrorCode::kInvalidPath, "standard input and output are no two objects");
    }
    if (source == kStandardStream) return copy_from_input(destination);
    auto from = session_.find(source);
    if (!from) return {};
    if (destination == kStandardStream) return copy_to_output(*from);
    auto to = session_.find(destination);
    if (!to) return {};
    auto kind = session_.kind_of(context(), *from);
    if (!kind) return fail(std::move(kind).error());
    if (*kind == Kind::kFolder || (*kind == Kind::kNothing && options_.recursive))
      return copy_folder(*from, *to, into_folder);
    return copy_one(*from, *to, into_folder);
  }

  // The object that a source becomes at the destination.
  Result<std::string> target(const Place& to, const std::string& name, bool into_folder) {
    if (options_.is_exact) return to.object;
    bool is_folder = into_folder || to.has_slash;
    if (!is_folder) {
      auto kind = session_.kind_of(context(), to);
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
    if (from.store == to.store && from.object == *object) return same(from);
    auto info = from.store->stat(context(), from.object);
    if (!info) return fail(std::move(info).error());
    Progress progress(style(), Amount{.objects = 1, .bytes = info->size});
    auto written = copy_object(context(), *from.store, from.object, *to.store, *object, create_options(progress));
    progress.stop();
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
    if (lies_in(to, *folder, from)) {
      return fail(ErrorCode::kInvalidPath, fmt::format("{} cannot be copied into itself", quote(from.text)));
    }
    auto entries = entries_below(from);
    if (!entries) return fail(std::move(entries).error());
    copy_all(from, to, *folder, *entries);
    return {};
  }

  static bool lies_in(const Place& to, const std::string& folder, const Place& from) {
    std::string inner = to.location(folder) + "/";
    std::string outer = from.location(from.object) + "/";
    return inner.starts_with(outer);
  }

  // All of them, before the first is copied: to know how much there is, and not to find again what was copied.
  Result<std::vector<FolderEntry>> entries_below(const Place& from) {
    auto lister = from.store->list(context(), {.folder = from.object});
    if (!lister) return fail(std::move(lister).error());
    std::vector<FolderEntry> entries;
    std::size_t prefix = from.object.empty() ? 0 : from.object.size() + 1;
    while (true) {
      auto page = (*lister)->next(context());
      if (!page) return fail(std::move(page).error());
      if (page->empty()) break;
      for (const ListEntry& entry : *page) entries.push_back({entry.name.substr(prefix), entry.info.size});
    }
    auto kind = entries.empty() ? session_.kind_of(context(), from) : Kind::kFolder;
    if (kind && *kind == Kind::kNothing) {
      return fail(ErrorCode::kNotFound, fmt::format("{}: no object or folder has that name", quote(from.text)));
    }
    return entries;
  }

  void copy_all(const Place& from, const Place& to, const std::string& folder,
                const std::vector<FolderEntry>& entries) {
    Amount total{.objects = entries.size(), .bytes = 0};
    for (const FolderEntry& entry : entries) total.bytes += entry.size;
    Progress progress(style(), total);
    FolderCopy plan{.source = *from.store,
                    .source_folder = from.object,
                    .destination = *to.store,
                    .destination_folder = folder,
                    .options = create_options(progress),
                    .jobs = options_.jobs};
    std::vector<Error> failures;  // told when the bar is gone
    copy_entries(context(), plan, entries, [&](const ObjectCopy& done) {
      progress.finished_object();
      if (done.result) {
        tell(from.location(done.source), to.location(done.object), *done.result);
      } else if (done.result.error().code != ErrorCode::kCancelled) {
        failures.push_back(done.result.error());
      }
    });
    progress.stop();
    for (const Error& failure : failures) session_.report(failure);
  }

  Result<void> copy_from_input(const std::string& destination) {
    auto to = session_.find(destination);
    if (!to) return {};
    if (to->object.empty() || to->has_slash) {
      return fail(ErrorCode::kInvalidPath, fmt::format("{} is a folder; name the object to make", quote(destination)));
    }
    Progress progress(style(), std::nullopt);
    auto written = put_input(*to, progress);
    progress.stop();
    if (!written) return fail(std::move(written).error());
    tell("-", to->location(to->object), *written);
    return {};
  }

  Result<WriteInfo> put_input(const Place& to, Progress& progress) {
    struct stat status{};
    off_t offset = ::lseek(kStandardInput, 0, SEEK_CUR);
    if (offset >= 0 && ::fstat(kStandardInput, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > offset) {
      FileSource file{.descriptor = kStandardInput,
                      .offset = static_cast<std::uint64_t>(offset),
                      .length = static_cast<std::uint64_t>(status.st_size - offset)};
      return to.store->put_file(context(), to.object, file, create_options(progress));
    }
    auto writer = to.store->create(context(), to.object, create_options(progress));
    if (!writer) return fail(std::move(writer).error());
    while (true) {
      auto buffer = (*writer)->acquire(context());
      if (!buffer) return fail(std::move(buffer).error());
      auto got = fill(*buffer);
      if (!got) return fail(std::move(got).error());
      if (*got == 0) return (*writer)->finish(context());
      if (auto taken = (*writer)->commit(context(), *got); !taken) return fail(std::move(taken).error());
    }
  }

  // Less than the buffer holds only where standard input ends.
  Result<std::size_t> fill(std::span<std::byte> buffer) {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
      if (auto ready = wait_for(context(), kStandardInput, POLLIN); !ready) return fail(std::move(ready).error());
      ssize_t count = ::read(kStandardInput, buffer.data() + filled, buffer.size() - filled);
      if (count == 0) break;
      if (count < 0 && errno != EINTR && errno != EAGAIN) return fail(system_failure("read standard input"));
      filled += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    }
    return filled;
  }

  Result<void> copy_to_output(const Place& from) {
    if (from.object.empty()) {
      return fail(ErrorCode::kNotRegularFile, fmt::format("{} is a folder, not an object", quote(from.text)));
    }
    auto reader = from.store->open(context(), from.object);
    if (!reader) return fail(std::move(reader).error());
    Progress progress(style(), Amount{.objects = 1, .bytes = (*reader)->info().size});
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    while (true) {
      auto got = (*reader)->read(context(), buffer);
      if (!got) return fail(std::move(got).error());
      if (*got == 0) return {};
      if (auto sent = send(std::span(buffer).first(*got)); !sent) return sent;
      *progress.bytes() += *got;
    }
  }

  Result<void> send(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      if (auto ready = wait_for(context(), kStandardOutput, POLLOUT); !ready) return ready;
      // No more than a pipe that has room takes at once.
      ssize_t count = ::write(kStandardOutput, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
      if (count < 0 && errno != EINTR && errno != EAGAIN) return fail(system_failure("write standard output"));
      bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    return {};
  }

  void tell(const std::string& source, const std::string& destination, const WriteInfo& written) {
    if (!session_.json) return;
    nlohmann::ordered_json line = {{"source", source}, {"destination", destination}, {"size", written.size}};
    if (written.crc32c) line["crc32c"] = fmt::format("{:08x}", *written.crc32c);
    session_.out.json(line);
  }

  static std::unexpected<Error> same(const Place& place) {
    return fail(ErrorCode::kInvalidPath, fmt::format("{} cannot be copied onto itself", quote(place.text)));
  }

  Progress::Style style() const {
    if (session_.quiet) return Progress::Style::kNone;
    if (session_.json) return Progress::Style::kJson;
    return is_terminal(2) ? Progress::Style::kBar : Progress::Style::kLines;
  }

  Session& session_;
  const CpOptions& options_;
  Interruption interruption_;
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
  command->add_flag("-n,--no-clobber", options->keep_existing, "Fail where an object of that name exists");
  command->add_flag("-T,--exact", options->is_exact, "The destination is the name itself, never a folder to copy into");
  command->add_option("-j,--jobs", options->jobs, "How many objects to copy at a time (4)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  session.add_options(*command);
  command->callback([&session, options] { Cp(session, *options).run(); });
}

}  // namespace scabbard::cli
