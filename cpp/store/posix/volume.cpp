#include "store/posix/volume.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/log.hpp"
#include "base/quantities.hpp"
#include "base/text.hpp"
#include "store/object_name.hpp"
#include "store/posix/filesystem_types.hpp"
#include "store/store_file.hpp"

namespace scabbard::posix {
namespace {

// Parallel preads: enough to keep a disk array's queues busy.
constexpr std::size_t kReadThreads = 16;
// How often a device that is not the root's is looked into (symlinks lead to such), and how long.
constexpr auto kLookInterval = std::chrono::seconds(1);
constexpr auto kLookLimit = std::chrono::seconds(2);
// For so long a root that was seen counts as being there when an object is not: asking each time would make a
// missing object cost twice as much.
constexpr auto kRootStands = std::chrono::milliseconds(10);

}  // namespace

Volume::Volume(StoreConfig config, std::string root, const Settings& settings)
    : config_(std::move(config)),
      quoted_name_(quote(redacted(config_.name))),
      root_(std::move(root)),
      settings_(settings),
      calls_(settings.calls != nullptr ? *settings.calls : kernel_calls()),
      guard_(std::make_shared<Guard>(calls_, root_, settings.timeout, clock())),
      guarded_(settings.guard != Settings::Guard::kNever),
      readers_(kReadThreads) {}

Volume::~Volume() { close(); }

void Volume::saw_filesystem(const struct statfs& status) {
  if (settings_.guard != Settings::Guard::kAuto) return;
  // What could hang once can hang again: a mount that is gone for a while may be back at any moment.
  if (!filesystem_type(status.f_type).local) seen_hanging_ = true;
  guarded_ = seen_hanging_.load();
}

void Volume::opened_on(dev_t device, bool is_mount_point) {
  device_ = device;
  is_mount_point_ = is_mount_point;
}

void Volume::saw_root() { root_seen_ = clock().now().time_since_epoch().count(); }

bool Volume::saw_root_lately() const {
  return clock().now().time_since_epoch().count() < root_seen_ + Clock::Duration(kRootStands).count();
}

void Volume::saw_file(const std::string& path, dev_t device) {
  if (guarded() || settings_.guard != Settings::Guard::kAuto || device == device_) return;
  auto now = clock().now().time_since_epoch().count();
  auto due = next_look_.load();
  if (now < due || !next_look_.compare_exchange_strong(due, now + Clock::Duration(kLookInterval).count())) return;
  auto brief = Context().with_clock(clock()).with_timeout(kLookLimit);
  GuardedCalls calls(calls_, guard_, brief);
  for (const std::string& place : {path, root_}) {
    struct statfs status;
    if (uninterrupted([&] { return calls.statfs(place, status); }) < 0) {
      guarded_ = true;
    } else {
      saw_filesystem(status);
    }
  }
}

std::size_t Volume::max_name() const {
  constexpr std::size_t kMostTemporaryName = 64;
  return PATH_MAX - 1 - root_.size() - 1 - kMostTemporaryName;
}

void Volume::close() {
  if (closed_.exchange(true)) return;
  closing_.request_stop();
  guard_->stop();
  readers_.stop();
}

Operation::Operation(Volume& volume, const Context& ctx, Access access, std::string_view verb, std::string_view object)
    : volume_(volume), ctx_(ctx), access_(access), verb_(verb), object_(object), calls_(&volume.direct_calls()) {
  if (volume.guarded()) calls_ = &guarded_.emplace(volume.direct_calls(), volume.guard(), ctx);
}

Operation::Operation(Volume& volume, const Context& ctx, Access access, std::string_view verb, std::string_view object,
                     std::shared_ptr<Guard> guard)
    : volume_(volume), ctx_(ctx), access_(access), verb_(verb), object_(object) {
  calls_ = &volume.direct_calls();
  if (guard != nullptr) calls_ = &guarded_.emplace(volume.direct_calls(), std::move(guard), ctx);
}

Result<void> Operation::check() const {
  if (volume_.closed()) return failed(ErrorCode::kClosed, "the store is closed");
  if (auto reason = ctx_.ended()) return failed(*reason, to_string(*reason));
  return {};
}

Result<void> Operation::check_writable() const {
  if (auto going = check(); !going) return going;
  if (volume_.config().read_only) return failed(ErrorCode::kReadOnly, "the store is configured read-only");
  return {};
}

Result<void> Operation::check_name() const {
  auto valid = check_object_name(object_);
  if (!valid) return failed(ErrorCode::kInvalidPath, valid.error().message);
  auto too_long = [&](std::string_view reason) {
    auto failure = failed(ErrorCode::kInvalidPath, reason);
    failure.error().system_error = ENAMETOOLONG;  // as the kernel would have said
    return failure;
  };
  for (std::size_t begin = 0; begin < object_.size();) {
    std::size_t end = std::min(object_.find('/', begin), object_.size());
    if (end - begin > NAME_MAX) {
      return too_long(fmt::format("a component is longer than {} bytes", NAME_MAX));
    }
    begin = end + 1;
  }
  if (object_.size() > volume_.max_name()) {
    return too_long(fmt::format("the name is longer than {} bytes", volume_.max_name()));
  }
  if (object_ == kStoreFileName)
    return failed(ErrorCode::kInvalidPath, "that file configures the store and is no object");
  return {};
}

Result<void> Operation::check_root() const {
  auto missing = [&](std::string_view how) {
    return failed(ErrorCode::kUnavailable,
                  fmt::format("the store's folder {} {}: is its disk mounted?", quote(volume_.root()), how));
  };
  struct stat root;
  struct stat parent;
  int found = uninterrupted([&] { return calls_->stat(volume_.root() + "/.", root); });
  if (found == -ENOENT) return missing("is missing");
  if (found == -ENOTDIR) return missing("is no folder any more");
  if (found < 0) return {};  // the operation itself will meet that and report it
  if (volume_.is_mount_point()) {
    found = uninterrupted([&] { return calls_->stat(volume_.root() + "/..", parent); });
    if (found == 0 && parent.st_dev == root.st_dev) return missing("is no mount point any more");
  }
  volume_.saw_root();
  return {};
}

Result<ReservedBuffer> Operation::reserve_buffer(std::size_t size) const {
  auto ticket = BufferPool::process().reserve(ctx_, BufferPool::Use::kBulk, size, volume_.closing());
  if (!ticket && volume_.closed()) return failed(ErrorCode::kClosed, "the store is closed");
  if (!ticket) return failed(ticket.error().code, ticket.error().message);
  auto buffer = ticket->take(size);
  if (!buffer) return failed(buffer.error().code, buffer.error().message);
  return ReservedBuffer{*std::move(ticket), *std::move(buffer)};
}

std::unexpected<Error> Operation::failed(long error, std::string_view step) const {
  if ((error == -ENOENT || error == -ENOTDIR) && !volume_.saw_root_lately()) {
    if (auto root = check_root(); !root) return fail(std::move(root).error());
  }
  Error failure = file_error(static_cast<int>(error), access_, what(), step);
  if (error == kOutError) {
    if (auto since = volume_.guard()->out_since()) {
      failure.message += fmt::format("; not answering since {}", utc_time(*since));
    }
  }
  log::debug("{}", failure.message);
  return fail(std::move(failure));
}

std::unexpected<Error> Operation::failed(ErrorCode code, std::string_view reason) const {
  auto failure = fail(code, fmt::format("{}: {}", what(), reason));
  log::debug("{}", failure.error().message);
  return failure;
}

std::string Operation::what() const {
  std::string words(verb_);
  if (!object_.empty()) words.append(" ").append(quote(object_)).append(" in");
  return words.append(" store ").append(volume_.quoted_name());
}

namespace {

std::chrono::nanoseconds since_epoch(const struct stat& status) {
  return std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
}

}  // namespace

std::chrono::system_clock::time_point modified_at(const struct stat& status) {
  using std::chrono::system_clock;
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since_epoch(status)));
}

ObjectInfo object_info(const struct stat& status) {
  return {.size = static_cast<std::uint64_t>(status.st_size),
          .modified = modified_at(status),
          .version = fmt::format("{:x}-{:x}-{:x}", status.st_ino, status.st_size, since_epoch(status).count())};
}

}  // namespace scabbard::posix
