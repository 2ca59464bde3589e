#include "store/posix/put_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "store/posix/filesystem_types.hpp"

namespace scabbard::posix {
namespace {

struct Extent {
  std::uint64_t begin;
  std::uint64_t end;
};

class FileCopy {
 public:
  /// `in`: what to read `source` by; `may_seek` where holes may be looked for, which moves its position.
  FileCopy(Operation& op, int in, bool may_seek, const FileSource& source, DurableFile& out)
      : op_(op), in_(in), may_seek_(may_seek), source_(source), out_(out) {}

  Result<void> run() {
    auto cloned = clone();
    if (!cloned) return fail(std::move(cloned).error());
    if (*cloned) return out_.advance(op_, source_.length);
    if (!may_seek_) {
      if (auto reserved = out_.reserve(op_, source_.length); !reserved) return reserved;
    }
    std::uint64_t end = source_.offset + source_.length;
    for (std::uint64_t at = source_.offset; at < end;) {
      auto data = next_data(at, end);
      if (!data) return fail(std::move(data).error());
      if (auto skipped = out_.advance(op_, data->begin - at); !skipped) return skipped;  // a hole
      if (auto copied = copy(*data); !copied) return copied;
      at = data->end;
    }
    // The last hole has no data behind it to give the file its length.
    int result =
        uninterrupted([&] { return op_.calls().truncate(out_.descriptor(), static_cast<off_t>(out_.size())); });
    if (result < 0) return op_.failed(result, "set the length");
    return {};
  }

 private:
  // False where blocks cannot be shared.
  Result<bool> clone() {
    if (source_.length == 0) return false;
    int result = uninterrupted([&] {
      return op_.calls().clone_range(in_, static_cast<off_t>(source_.offset), out_.descriptor(), 0, source_.length);
    });
    // One that was left behind would write into the copy that is made in its place.
    if (was_left_behind(result)) return op_.failed(result, "copy");
    return result == 0;
  }

  // The next run of data in [at, end); empty at `end` where only a hole is left.
  Result<Extent> next_data(std::uint64_t at, std::uint64_t end) {
    if (!may_seek_) return Extent{at, end};
    off_t data = uninterrupted([&] { return op_.calls().seek(in_, static_cast<off_t>(at), SEEK_DATA); });
    if (data == -ENXIO) return Extent{end, end};
    if (data == -EINVAL || data == -EOPNOTSUPP) return Extent{at, end};  // does not tell holes from data
    if (data < 0) return op_.failed(data, "look for holes in the source");
    off_t hole = uninterrupted([&] { return op_.calls().seek(in_, data, SEEK_HOLE); });
    if (hole < 0 && hole != -ENXIO) return op_.failed(hole, "look for holes in the source");
    return Extent{std::min(static_cast<std::uint64_t>(data), end),
                  hole < 0 ? end : std::min(static_cast<std::uint64_t>(hole), end)};
  }

  Result<void> copy(Extent data) {
    while (data.begin < data.end) {
      if (auto going = op_.check(); !going) return going;
      std::size_t length = std::min<std::uint64_t>(data.end - data.begin, kKernelCopy);
      ssize_t count = in_kernel_ ? copy_in_kernel(data.begin, length) : -EOPNOTSUPP;
      if (count == -EOPNOTSUPP) {
        in_kernel_ = false;
        auto copied = copy_through_memory(data.begin, std::min(length, kCopyBuffer));
        if (!copied) return fail(std::move(copied).error());
        if (*copied == 0) return op_.failed(ErrorCode::kChanged, "the source became shorter while it was read");
        data.begin += *copied;
        continue;
      }
      if (count < 0) return op_.failed(count, "copy");
      if (auto noted = out_.advance(op_, static_cast<std::uint64_t>(count)); !noted) return noted;
      data.begin += static_cast<std::uint64_t>(count);
    }
    return {};
  }

  ssize_t copy_in_kernel(std::uint64_t at, std::size_t length) {
    ssize_t count = uninterrupted([&] {
      return op_.calls().copy_file_range(in_, static_cast<off_t>(at), out_.descriptor(),
                                         static_cast<off_t>(out_.size()), length);
    });
    // Across filesystems, from special ones (0 bytes from a file that has some), on old kernels.
    bool cannot = count == -EXDEV || count == -EINVAL || count == -ENOSYS || count == -EBADF || count == 0;
    if (cannot) return -EOPNOTSUPP;
    return count;
  }

  Result<std::size_t> copy_through_memory(std::uint64_t at, std::size_t length) {
    if (!memory_) {
      auto memory = op_.reserve_buffer(kCopyBuffer);
      if (!memory) return fail(std::move(memory).error());
      memory_ = *std::move(memory);
    }
    auto into = memory_->bytes().first(length);
    ssize_t count = uninterrupted([&] { return op_.calls().pread(in_, into, static_cast<off_t>(at)); });
    if (count < 0) return op_.failed(count, "read the source");
    if (auto written = out_.write(op_, into.first(static_cast<std::size_t>(count))); !written) {
      return fail(std::move(written).error());
    }
    return static_cast<std::size_t>(count);
  }

  Operation& op_;
  const int in_;
  const bool may_seek_;
  const FileSource& source_;
  DurableFile& out_;
  bool in_kernel_ = true;
  std::optional<ReservedBuffer> memory_;
};

bool is_sparse(const struct stat& status) { return status.st_blocks * 512 < status.st_size; }

bool same_content(const struct stat& before, const struct stat& after) {
  return before.st_size == after.st_size && before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
         before.st_mtim.tv_nsec == after.st_mtim.tv_nsec;
}

// The caller's file, opened once more where it has holes: to look for them moves a descriptor's position, and
// the caller's stays where it is. One that cannot be opened again is copied holes and all.
class SparseSource {
 public:
  SparseSource(Operation& op, const std::string& path, const struct stat& status)
      : op_(op),
        fd_(is_sparse(status) ? uninterrupted([&] { return op.calls().open(path, O_RDONLY | O_NONBLOCK, 0); }) : -1) {}
  ~SparseSource() {
    if (fd_ >= 0) op_.calls().close(fd_);
  }
  SparseSource(const SparseSource&) = delete;
  SparseSource& operator=(const SparseSource&) = delete;
  bool opened() const { return fd_ >= 0; }
  int descriptor() const { return fd_; }

 private:
  Operation& op_;
  const int fd_;
};

Result<DurableFile> copied(Operation& op, std::shared_ptr<Volume> volume, std::string_view object,
                           const FileSource& source, const CreateOptions& options, const std::string& path,
                           std::shared_ptr<Guard> guard) {
  auto stat_source = [&](struct stat& status) {
    return uninterrupted([&] { return op.calls().fstat(source.descriptor, status); });
  };
  struct stat before;
  if (int result = stat_source(before); result < 0) return op.failed(result, "stat the source");
  if (!S_ISREG(before.st_mode)) return op.failed(ErrorCode::kInvalidArgument, "the source is not a regular file");
  auto size = static_cast<std::uint64_t>(before.st_size);
  if (source.offset > size || source.length > size - source.offset) {
    return op.failed(ErrorCode::kInvalidArgument, fmt::format("the source has only {} bytes", size));
  }
  if (options.length && *options.length != source.length) {
    return op.failed(ErrorCode::kInvalidArgument, "the announced length is not the source's");
  }

  auto file = DurableFile::create(op, std::move(volume), object, options, std::move(guard));
  if (!file) return fail(std::move(file).error());
  SparseSource sparse(op, path, before);
  int in = sparse.opened() ? sparse.descriptor() : source.descriptor;
  if (auto copied = FileCopy(op, in, sparse.opened(), source, *file).run(); !copied) {
    return fail(std::move(copied).error());
  }

  struct stat after;
  if (int result = stat_source(after); result < 0) return op.failed(result, "stat the source");
  if (!same_content(before, after)) return op.failed(ErrorCode::kChanged, "the source changed while it was read");
  return file;
}

}  // namespace

SourceGuard::SourceGuard(const Volume& volume, std::string probe_path)
    : guard_(std::make_shared<Guard>(volume.direct_calls(), std::move(probe_path), volume.settings().timeout,
                                     volume.clock())) {}

SourceGuard::~SourceGuard() { guard_->stop(); }

Result<WrittenFile> write_file(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view object,
                               const FileSource& source, const CreateOptions& options, SourcePlace place) {
  auto op = std::make_unique<Operation>(*volume, ctx, Access::kWrite, "put", object);
  if (auto writable = op->check_writable(); !writable) return fail(std::move(writable).error());
  if (auto valid = op->check_name(); !valid) return fail(std::move(valid).error());
  if (source.descriptor < 0) {
    return op->failed(ErrorCode::kInvalidArgument, fmt::format("{} is no open descriptor", source.descriptor));
  }
  std::string path = fmt::format("/proc/self/fd/{}", source.descriptor);
  std::unique_ptr<SourceGuard> guard;
  if (place == SourcePlace::kUnknown && !volume->guarded()) {
    // The source may lie where calls hang, though the store does not: then the copy goes through a guard of
    // its own, for it says nothing about the store. To ask costs a thread.
    guard = std::make_unique<SourceGuard>(*volume, path);
    auto foreign = std::make_unique<Operation>(*volume, ctx, Access::kWrite, "put", object, guard->get());
    struct statfs status;
    bool is_local = uninterrupted([&] { return foreign->calls().statfs(path, status); }) == 0 &&
                    filesystem_type(status.f_type).local;
    if (is_local) {
      guard.reset();
    } else {
      op = std::move(foreign);
    }
  }
  auto file = copied(*op, volume, object, source, options, path, guard != nullptr ? guard->get() : nullptr);
  if (!file) return fail(std::move(file).error());
  return WrittenFile{.guard = std::move(guard), .op = std::move(op), .file = *std::move(file)};
}

Result<WriteInfo> put_file(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view object,
                           const FileSource& source, const CreateOptions& options) {
  auto written = write_file(ctx, volume, object, source, options, SourcePlace::kUnknown);
  if (!written) return fail(std::move(written).error());
  return written->file.publish(*written->op);
}

}  // namespace scabbard::posix
