#include "store/posix/file_writer.hpp"

#include <fmt/core.h>

#include "base/crc32c.hpp"

namespace scabbard::posix {
namespace {

// Large enough to make system calls cheap, small enough to stay in the second-level cache, and for hundreds of
// writers that wait for their sources to fit under the ceiling.
constexpr std::size_t kWriteBuffer = std::size_t{256} << 10;

}  // namespace

Result<std::unique_ptr<Writer>> FileWriter::create(const Context& ctx, std::shared_ptr<Volume> volume,
                                                   std::string_view object, const CreateOptions& options) {
  Operation op(*volume, ctx, Access::kWrite, "put", object);
  if (auto writable = op.check_writable(); !writable) return fail(std::move(writable).error());
  if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  auto memory = op.reserve_buffer(kWriteBuffer);
  if (!memory) return fail(std::move(memory).error());
  auto file = DurableFile::create(op, volume, object, options);
  if (!file) return fail(std::move(file).error());
  if (auto reserved = file->reserve(op, options.length.value_or(0)); !reserved) {
    return fail(std::move(reserved).error());
  }
  return std::unique_ptr<Writer>(
      new FileWriter(std::move(volume), std::string(object), options, *std::move(memory), *std::move(file)));
}

Result<std::span<std::byte>> FileWriter::acquire(const Context& ctx) {
  Operation op = operation(ctx);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (failed_ || finished_) return op.failed(ErrorCode::kClosed, "the writer has failed or finished before");
  return memory_.bytes();
}

Result<void> FileWriter::commit(const Context& ctx, std::size_t filled) {
  Operation op = operation(ctx);
  if (failed_ || finished_) return op.failed(ErrorCode::kClosed, "the writer has failed or finished before");
  if (filled > memory_.bytes().size()) return op.failed(ErrorCode::kInvalidArgument, "more than the buffer holds");
  failed_ = true;  // until it has succeeded: what was half written cannot be continued
  if (file_.size() + filled > length_.value_or(UINT64_MAX)) {
    return op.failed(ErrorCode::kInvalidArgument, fmt::format("more than the {} bytes announced", *length_));
  }
  auto bytes = memory_.bytes().first(filled);
  if (auto written = file_.write(op, bytes); !written) return written;
  crc32c_ = crc32c(bytes, crc32c_);
  failed_ = false;
  return {};
}

Result<WriteInfo> FileWriter::finish(const Context& ctx) {
  Operation op = operation(ctx);
  if (failed_ || finished_) return op.failed(ErrorCode::kClosed, "the writer has failed or finished before");
  failed_ = true;
  if (length_ && file_.size() != *length_) {
    return op.failed(ErrorCode::kInvalidArgument,
                     fmt::format("{} bytes announced, {} written", *length_, file_.size()));
  }
  auto info = file_.publish(op);
  if (!info) return info;
  finished_ = true;
  info->crc32c = crc32c_;
  return info;
}

}  // namespace scabbard::posix
