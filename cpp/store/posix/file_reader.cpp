#include "store/posix/file_reader.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

namespace scabbard::posix {
Result<OpenFile> OpenFile::open(Operation& op, Volume& volume, std::string_view object) {
  std::string path = volume.path_of(object);
  // O_NONBLOCK: a FIFO in an object's place must not wait for its other end.
  int fd = uninterrupted([&] { return op.calls().open(path, O_RDONLY | O_NONBLOCK, 0); });
  if (fd < 0) return op.failed(fd, "");
  OpenFile file(volume, fd);
  struct stat status;
  if (int result = uninterrupted([&] { return op.calls().fstat(fd, status); }); result < 0)
    return op.failed(result, "");
  volume.saw_file(path, status.st_dev);
  if (!S_ISREG(status.st_mode)) return op.failed(ErrorCode::kNotRegularFile, "not a regular file");
  file.device_ = status.st_dev;
  file.info_ = object_info(status);
  return file;
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : volume_(other.volume_),
      fd_(std::exchange(other.fd_, -1)),
      device_(other.device_),
      info_(std::move(other.info_)) {}

OpenFile::~OpenFile() {
  if (fd_ < 0) return;
  if (volume_.guarded()) {
    auto brief = Context().with_timeout(kCleanUpLimit);
    volume_.guard()->close_descriptor(brief, fd_);
  } else {
    volume_.direct_calls().close(fd_);
  }
}

Result<std::size_t> OpenFile::read(Operation& op, std::uint64_t offset, std::span<std::byte> into) const {
  if (offset >= info_.size || into.empty()) return 0;
  into = into.first(std::min<std::uint64_t>(into.size(), info_.size - offset));
  std::size_t got = 0;
  while (got < into.size()) {
    ssize_t count =
        uninterrupted([&] { return op.calls().pread(fd_, into.subspan(got), static_cast<off_t>(offset + got)); });
    if (count == 0) return op.failed(ErrorCode::kChanged, "the file was cut short while it was read");
    if (count == -ESTALE)
      return op.failed(ErrorCode::kChanged, "the file was replaced on the server while it was read");
    if (count < 0) return op.failed(count, "");
    got += static_cast<std::size_t>(count);
    if (got < into.size()) {
      if (auto going = op.check(); !going) return fail(std::move(going).error());
    }
  }
  if (auto same = check_unchanged(op); !same) return fail(std::move(same).error());
  return got;
}

// Others write files in place, damocles' own filestore among them.
Result<void> OpenFile::check_unchanged(Operation& op) const {
  struct stat status;
  int result = uninterrupted([&] { return op.calls().fstat(fd_, status); });
  if (result == -ESTALE) return op.failed(ErrorCode::kChanged, "the file was replaced on the server while it was read");
  if (result < 0) return op.failed(result, "");
  if (static_cast<std::uint64_t>(status.st_size) == info_.size && modified_at(status) == info_.modified) return {};
  return op.failed(ErrorCode::kChanged, "the file was written to while it was read");
}

Result<std::unique_ptr<Reader>> FileReader::open(const Context& ctx, std::shared_ptr<Volume> volume,
                                                 std::string_view object) {
  Operation op(*volume, ctx, Access::kRead, "open", object);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  auto file = OpenFile::open(op, *volume, object);
  if (!file) return fail(std::move(file).error());
  return std::unique_ptr<Reader>(new FileReader(std::move(volume), std::string(object), *std::move(file)));
}

Result<std::size_t> FileReader::read(const Context& ctx, std::span<std::byte> into) {
  auto got = read_at(ctx, position_, into);
  if (got) position_ += *got;
  return got;
}

Result<std::size_t> FileReader::read_at(const Context& ctx, std::uint64_t offset, std::span<std::byte> into) {
  Operation op = operation(ctx);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  return file_.read(op, offset, into);
}

Result<std::uint64_t> FileReader::copy_to(const Context& ctx, int descriptor, std::atomic<std::uint64_t>* progress) {
  Operation op = operation(ctx);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  ByteOutlet target(descriptor, progress);
  if (!target.is_open()) {
    return op.failed(ErrorCode::kInvalidArgument, fmt::format("{} is no open descriptor", descriptor));
  }
  std::optional<ReservedBuffer> memory;
  std::uint64_t begin = position_;
  while (position_ < info().size) {
    if (auto going = op.check(); !going) return fail(std::move(going).error());
    // In the kernel only where calls cannot be left behind: one that is would go on writing into the caller's
    // descriptor.
    bool in_kernel = target.is_regular() && !volume_->guarded();
    auto copied = in_kernel ? copy_in_kernel(op, target) : false;
    if (!copied) return fail(std::move(copied).error());
    if (*copied) continue;
    if (!memory) {
      auto reserved = op.reserve_buffer(kCopyBuffer);
      if (!reserved) return fail(std::move(reserved).error());
      memory = *std::move(reserved);
    }
    auto got = file_.read(op, position_, memory->bytes());
    if (!got) return fail(std::move(got).error());
    if (auto sent = send(op, target, memory->bytes().first(*got)); !sent) return fail(std::move(sent).error());
  }
  if (auto same = file_.check_unchanged(op); !same) return fail(std::move(same).error());
  return position_ - begin;
}

// False where the kernel cannot: across filesystems, into a file opened for appending.
Result<bool> FileReader::copy_in_kernel(Operation& op, ByteOutlet& target) {
  ssize_t count = uninterrupted([&] {
    auto from = static_cast<off_t>(position_);
    ssize_t moved = ::copy_file_range(file_.descriptor(), &from, target.descriptor(), nullptr,
                                      std::min<std::uint64_t>(info().size - position_, kKernelCopy), 0);
    return moved < 0 ? -errno : moved;
  });
  if (count == -ENOSPC || count == -EDQUOT || count == -EIO) return op.failed(count, "write the copy");
  if (count <= 0) return false;
  position_ += static_cast<std::uint64_t>(count);
  target.wrote(static_cast<std::uint64_t>(count));
  return true;
}

// Writes all of `bytes`, and moves the position past what was written.
Result<void> FileReader::send(Operation& op, ByteOutlet& target, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (auto going = op.check(); !going) return going;
    ssize_t count = target.write_some(bytes);
    if (count < 0) return op.failed(count, "write the copy");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    position_ += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace scabbard::posix
