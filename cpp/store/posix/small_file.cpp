#include "store/posix/small_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <memory>

#include <fmt/core.h>

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

}  // namespace

Result<std::optional<std::string>> read_small_file(const std::string& path) {
  auto content = std::make_shared<std::string>();
  auto guard = std::make_shared<Guard>(kernel_calls(), path, kLimit, Clock::steady());
  long result = guard->call(
      {}, {.run = [content, path] { return read_whole(kernel_calls(), path, *content); }, .undo = {}, .descriptors = {}});
  guard->stop();
  if (result == 0) return std::move(*content);
  if (result == -ENOENT || result == -ENOTDIR) return std::nullopt;
  return fail(file_error(static_cast<int>(result), Access::kRead, fmt::format("read {}", quote(path)), ""));
}

}  // namespace scabbard::posix
