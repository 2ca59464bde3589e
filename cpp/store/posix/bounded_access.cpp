#include "store/posix/bounded_access.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "store/posix/file_errors.hpp"

namespace scabbard::posix {
namespace {

constexpr auto kLimit = std::chrono::seconds(5);
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

// A file that somebody else has put into a folder like /tmp, where all may. The kernel protects from links there.
bool is_trap(FileCalls& calls, int fd, const std::string& folder) {
  struct stat file;
  struct stat around;
  if (calls.fstat(fd, file) < 0 || calls.stat(folder, around) < 0) return false;
  bool is_for_all = (around.st_mode & S_ISVTX) != 0 && (around.st_mode & S_IWOTH) != 0;
  return is_for_all && file.st_uid != 0 && file.st_uid != ::geteuid() && file.st_uid != around.st_uid;
}

// 0, or -errno. Repeats nothing: a configuration is read again when it is needed again.
long read_whole(FileCalls& calls, const std::string& folder, const std::string& path, std::string& content) {
  int fd = calls.open(path, O_RDONLY | O_NONBLOCK, 0);
  struct stat status;
  // Where the folder may not be entered, whatever is to be done in it says so.
  if (fd == -EACCES && calls.stat(path, status) < 0) return -ENOENT;
  if (fd < 0) return fd;
  if (is_trap(calls, fd, folder)) {
    calls.close(fd);
    return -EKEYREJECTED;
  }
  content.resize(kMostBytes + 1);
  std::size_t got = 0;
  ssize_t count = 1;
  while (count > 0 && got < content.size()) {
    count = calls.pread(fd, std::as_writable_bytes(std::span(content)).subspan(got), static_cast<off_t>(got));
    if (count > 0) got += static_cast<std::size_t>(count);
  }
  calls.close(fd);
  content.resize(got);
  if (count < 0) return count;
  return got > kMostBytes ? -EFBIG : 0;
}

bool is_missing(long result) { return result == -ENOENT || result == -ENOTDIR || result == -ENAMETOOLONG; }

std::unexpected<Error> failed(long result, const std::string& path) {
  if (result == -EFBIG || result == -ESPIPE) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("read {}: no configuration: not a file of at most {} bytes", quote(path), kMostBytes));
  }
  if (result == -EKEYREJECTED) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format("read {}: another user has put it into a folder that is open to all: not trusted; remove it",
                    quote(path)));
  }
  return fail(file_error(static_cast<int>(result), Access::kRead, fmt::format("read {}", quote(path)), ""));
}

}  // namespace

BoundedAccess::BoundedAccess(std::string folder)
    : folder_(std::move(folder)), guard_(std::make_shared<Guard>(kernel_calls(), folder_, kLimit, Clock::steady())) {}

BoundedAccess::~BoundedAccess() { guard_->stop(); }

Result<std::optional<std::string>> BoundedAccess::read_small_file(const Context& ctx, const std::string& path) {
  auto content = std::make_shared<std::string>();
  auto run = [content, folder = folder_, path] { return read_whole(kernel_calls(), folder, path, *content); };
  long result = guard_->call(ctx, {.run = run, .undo = {}, .descriptors = {}});
  if (is_missing(result)) return std::nullopt;
  if (result < 0) return failed(result, path);
  return std::move(*content);
}

Result<bool> BoundedAccess::is_there(const Context& ctx) {
  auto status = std::make_shared<struct stat>();
  auto run = [status, path = folder_] { return static_cast<long>(kernel_calls().stat(path, *status)); };
  long result = guard_->call(ctx, {.run = run, .undo = {}, .descriptors = {}});
  if (is_missing(result)) return false;
  if (result < 0) return failed(result, folder_);
  return S_ISDIR(status->st_mode);
}

Result<bool> BoundedAccess::is_link(const Context& ctx) {
  auto run = [path = folder_] {
    std::string target;
    return static_cast<long>(kernel_calls().read_link(path, target));
  };
  long result = guard_->call(ctx, {.run = run, .undo = {}, .descriptors = {}});
  if (is_missing(result) || result == -EINVAL || result == -EACCES) return false;
  if (result < 0) return failed(result, folder_);
  return true;
}

}  // namespace scabbard::posix
