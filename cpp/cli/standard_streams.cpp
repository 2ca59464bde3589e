#include "cli/standard_streams.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "cli/interruption.hpp"
#include "cli/output.hpp"

namespace scabbard::cli {
namespace {

constexpr int kInput = 0;
constexpr int kOutput = 1;
constexpr int kPollInterval = 100;  // milliseconds; how late the end of a context may be noticed

std::unexpected<Error> cannot_read() { return fail(stream_error("read standard input", errno)); }

// The rest of standard input, where it is a file.
std::optional<FileSource> input_file() {
  struct stat status{};
  off_t offset = ::lseek(kInput, 0, SEEK_CUR);
  if (offset < 0 || ::fstat(kInput, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  // Files of /proc and /sys say that they are empty.
  if (status.st_size <= offset) return std::nullopt;
  return FileSource{.descriptor = kInput,
                    .offset = static_cast<std::uint64_t>(offset),
                    .length = static_cast<std::uint64_t>(status.st_size - offset)};
}

Result<void> wait_for_input(const Context& ctx) {
  struct pollfd ready = {.fd = kInput, .events = POLLIN, .revents = 0};
  while (true) {
    if (auto going = ctx.check("read standard input"); !going) return going;
    int count = ::poll(&ready, 1, kPollInterval);
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return cannot_read();
  }
}

// Less than the buffer holds only where the input ends.
Result<std::size_t> fill(const Context& ctx, std::span<std::byte> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    if (auto ready = wait_for_input(ctx); !ready) return fail(std::move(ready).error());
    ssize_t count = ::read(kInput, buffer.data() + filled, buffer.size() - filled);
    if (count == 0) break;
    if (count < 0 && errno != EINTR && errno != EAGAIN) return cannot_read();
    filled += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  return filled;
}

}  // namespace

Result<WriteInfo> put_standard_input(const Context& ctx, Store& store, std::string_view object,
                                     const CreateOptions& options) {
  if (auto file = input_file()) {
    if (options.length.value_or(file->length) != file->length) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("read standard input: {} bytes announced, {} there", *options.length, file->length));
    }
    return store.put_file(ctx, object, *file, options);
  }
  auto writer = store.create(ctx, object, options);
  if (!writer) return fail(std::move(writer).error());
  while (true) {
    auto buffer = (*writer)->acquire(ctx);
    if (!buffer) return fail(std::move(buffer).error());
    auto got = fill(ctx, *buffer);
    if (!got) return fail(std::move(got).error());
    if (*got == 0) return (*writer)->finish(ctx);
    if (auto taken = (*writer)->commit(ctx, *got); !taken) return fail(std::move(taken).error());
  }
}

Result<void> write_to_standard_output(const Context& ctx, Reader& reader, std::atomic<std::uint64_t>* progress) {
  auto copied = reader.copy_to(ctx, kOutput, progress);
  if (!copied && copied.error().system_error == EPIPE) die_of_closed_pipe();
  // What cannot come from reading is of the output.
  if (!copied && (copied.error().system_error == EBADF || copied.error().system_error == ENOSPC)) {
    return fail(stream_error("write standard output", copied.error().system_error));
  }
  if (!copied) return fail(std::move(copied).error());
  return {};
}

}  // namespace scabbard::cli
