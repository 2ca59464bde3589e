#include "store/s3/object_writer.hpp"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "store/s3/upload.hpp"

namespace scabbard::s3 {
namespace {

class ObjectWriter final : public Writer {
 public:
  ObjectWriter(std::shared_ptr<Bucket> bucket, std::string_view object, const CreateOptions& options,
               std::unique_ptr<Upload> upload)
      : bucket_(std::move(bucket)), object_(object), options_(options), upload_(std::move(upload)) {}

  Result<std::span<std::byte>> acquire(const Context& ctx) override {
    Operation op(*bucket_, ctx, "put", object_);
    if (auto going = check(op); !going) return fail(std::move(going).error());
    auto room = upload_->room(op);
    // What is not the caller's ending will not mend itself: the part that failed is lost.
    if (!room && !ctx.ended()) upload_.reset();
    if (room) room_ = room->size();
    return room;
  }

  Result<void> commit(const Context& ctx, std::size_t filled) override {
    Operation op(*bucket_, ctx, "put", object_);
    if (auto going = check(op); !going) return going;
    if (filled > room_) return op.failed(ErrorCode::kInvalidArgument, "more than the buffer holds");
    if (options_.length && upload_->size() + filled > *options_.length) {
      upload_.reset();
      return op.failed(ErrorCode::kInvalidArgument, fmt::format("more than the {} bytes announced", *options_.length));
    }
    upload_->filled(filled);
    room_ = 0;
    return {};
  }

  Result<WriteInfo> finish(const Context& ctx) override {
    Operation op(*bucket_, ctx, "put", object_);
    if (auto going = check(op); !going) return fail(std::move(going).error());
    auto upload = std::move(upload_);
    if (options_.length && upload->size() != *options_.length) {
      return op.failed(ErrorCode::kInvalidArgument,
                       fmt::format("{} bytes announced, {} written", *options_.length, upload->size()));
    }
    return upload->finish(op);
  }

 private:
  Result<void> check(const Operation& op) const {
    if (auto going = op.check(); !going) return going;
    if (!upload_) return op.failed(ErrorCode::kClosed, "the writer has failed or finished before");
    return {};
  }

  const std::shared_ptr<Bucket> bucket_;
  const std::string object_;
  const CreateOptions options_;
  std::unique_ptr<Upload> upload_;  // none after it has failed or finished
  std::size_t room_ = 0;            // of the buffer that is handed out
};

// The source as it is now: what the end of the writing is compared with.
Result<UploadSource> state_of(const Operation& op, const FileSource& source) {
  struct stat status;
  if (::fstat(source.descriptor, &status) != 0) {
    return op.failed(ErrorCode::kInvalidArgument, fmt::format("{} is no open descriptor", source.descriptor));
  }
  if (!S_ISREG(status.st_mode)) return op.failed(ErrorCode::kInvalidArgument, "the source is no regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (source.offset > size || source.length > size - source.offset) {
    return op.failed(ErrorCode::kChanged, "the source is shorter than it was");
  }
  return UploadSource{.device = status.st_dev,
                      .inode = status.st_ino,
                      .modified = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec,
                      .offset = source.offset,
                      .length = source.length};
}

Result<WriteInfo> send(const Operation& op, Upload& upload, const FileSource& source, const UploadSource& before) {
  if (auto taken = upload.take_source(op); !taken) return fail(std::move(taken).error());
  auto after = state_of(op, source);
  if (!after) return fail(std::move(after).error());
  if (*after != before) return op.failed(ErrorCode::kChanged, "the source was written to while it was read");
  return upload.finish(op);
}

}  // namespace

Result<std::unique_ptr<Writer>> create_object(const Context& ctx, std::shared_ptr<Bucket> bucket,
                                              std::string_view object, const CreateOptions& options) {
  Operation op(*bucket, ctx, "put", object);
  if (auto going = op.check_writable(); !going) return fail(std::move(going).error());
  if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  auto upload = Upload::begin(op, bucket, object, options);
  if (!upload) return fail(std::move(upload).error());
  return std::make_unique<ObjectWriter>(std::move(bucket), object, options, *std::move(upload));
}

Result<WriteInfo> put_file(const Context& ctx, const std::shared_ptr<Bucket>& bucket, std::string_view object,
                           const FileSource& source, const CreateOptions& options) {
  Operation op(*bucket, ctx, "put", object);
  if (auto going = op.check_writable(); !going) return fail(std::move(going).error());
  if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  if (options.length && *options.length != source.length) {
    return op.failed(ErrorCode::kInvalidArgument,
                     fmt::format("{} bytes announced, {} to be written", *options.length, source.length));
  }
  auto before = state_of(op, source);
  if (!before) return fail(std::move(before).error());
  CreateOptions known = options;
  known.length = source.length;
  auto upload = Upload::begin(op, bucket, object, known, Upload::Source{.file = source, .state = *before});
  if (!upload) return fail(std::move(upload).error());
  auto written = send(op, **upload, source, *before);
  if (!written) (*upload)->leave(written.error());
  return written;
}

}  // namespace scabbard::s3
