#include "store/posix/bounded_access.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <functional>
#include <memory>

#include "base/text.hpp"
#include "store/posix/file_errors.hpp"
#include "store/posix/guard.hpp"

namespace scabbard::posix {
namespace {

constexpr auto kLimit = std::chrono::seconds(5);
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

// 0, or -errno. Repeats nothing: a configuration is read again when it is needed again.
long read_whole(FileCalls& calls, const std::string& path, std::string& content) {
  int fd = calls.open(path, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0) return fd;
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

long bounded(const std::string& path, std::function<long()> run) {
  auto guard = std::make_shared<Guard>(kernel_calls(), path, kLimit, Clock::steady());
  long result = guard->call({}, {.run = std::move(run), .undo = {}, .descriptors = {}});
  guard->stop();
  return result;
}

bool is_missing(long result) { return result == -ENOENT || result == -ENOTDIR; }

std::unexpected<Error> failed(long result, const std::string& path) {
  if (result == -EFBIG || result == -ESPIPE) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("read {}: no configuration: not a file of at most {} bytes", quote(path), kMostBytes));
  }
  return fail(file_error(static_cast<int>(result), Access::kRead, fmt::format("read {}", quote(path)), ""));
}

}  // namespace

Result<std::optional<std::string>> read_small_file(const std::string& path) {
  auto content = std::make_shared<std::string>();
  long result = bounded(path, [content, path] { return read_whole(kernel_calls(), path, *content); });
  if (is_missing(result)) return std::nullopt;
  if (result < 0) return failed(result, path);
  return std::move(*content);
}

Result<bool> is_folder(const std::string& path) {
  auto status = std::make_shared<struct stat>();
  long result = bounded(path, [status, path] { return static_cast<long>(kernel_calls().stat(path, *status)); });
  if (is_missing(result)) return false;
  if (result < 0) return failed(result, path);
  return S_ISDIR(status->st_mode);
}

}  // namespace scabbard::posix
