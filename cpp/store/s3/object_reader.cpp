#include "store/s3/object_reader.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "store/byte_outlet.hpp"
#include "store/s3/object_read.hpp"
#include "store/s3/payload_sum.hpp"
#include "store/s3/read_ahead.hpp"

namespace scabbard::s3 {
namespace {

// A read() of as much needs no window: it is cut into requests that all go into the caller's memory.
constexpr std::size_t kLargeRead = std::size_t{8} << 20;
constexpr std::size_t kRange = std::size_t{4} << 20;

// Compares what is read, where that is all of the object in one go, with the checksum that the server has of it.
class ReadCheck {
 public:
  ReadCheck(Checksum checksum, const Look& object)
      : sum_(false, checksum),
        size_(object.size),
        expected_(object.checksum),
        is_possible_(!expected_.empty() && !expected_.contains('-')) {}  // one of parts says nothing of the bytes

  /// kCorrupt with the last bytes, where they are not what they should be.
  Result<void> add(std::uint64_t offset, std::span<const std::byte> bytes) {
    is_possible_ &= offset == position_;
    if (!is_possible_) return {};
    sum_.add(bytes);
    position_ += bytes.size();
    if (position_ < size_) return {};
    is_possible_ = false;
    const std::string got = sum_.take().checksum;
    return got == expected_ ? Result<void>() : fail(other_checksum(expected_, got));
  }

 private:
  PayloadSum sum_;
  const std::uint64_t size_;
  const std::string expected_;
  bool is_possible_;
  std::uint64_t position_ = 0;
};

class ObjectReader final : public Reader {
 public:
  ObjectReader(std::shared_ptr<Bucket> bucket, std::string_view object, const Look& there)
      : bucket_(std::move(bucket)),
        object_(object),
        key_(bucket_->key_of(object)),
        info_(static_cast<const ObjectInfo&>(there)),
        check_(bucket_->settings().checksum, there) {}

  const ObjectInfo& info() const override { return info_; }
  std::uint64_t position() const override { return position_; }
  void seek(std::uint64_t offset) override { position_ = offset; }

  Result<std::size_t> read(const Context& ctx, std::span<std::byte> into) override;
  Result<std::size_t> read_at(const Context& ctx, std::uint64_t offset, std::span<std::byte> into) override;
  Result<std::uint64_t> copy_to(const Context& ctx, int descriptor, std::atomic<std::uint64_t>* progress) override;

 private:
  Operation operation(const Context& ctx) { return {*bucket_, ctx, "read", object_}; }
  static std::unexpected<Error> failed(const Operation& op, Error error);
  Result<ReadAhead*> window(const Operation& op, BufferPool::Use use);
  Result<void> write(const Operation& op, ByteOutlet& outlet, std::span<const std::byte> bytes);

  const std::shared_ptr<Bucket> bucket_;
  const std::string object_;
  const std::string key_;
  const ObjectInfo info_;
  ReadCheck check_;
  std::uint64_t position_ = 0;
  std::unique_ptr<ReadAhead> ahead_;
};

// What was there when it was opened, and now is not, was removed meanwhile.
std::unexpected<Error> ObjectReader::failed(const Operation& op, Error error) {
  if (error.code != ErrorCode::kNotFound) return op.failed(std::move(error));
  return op.failed(ErrorCode::kChanged, "it was removed while it was read");
}

// The window at the position. Null where there is no memory for reading ahead: a reader that is left lying half read
// must not keep others from going on, so that is not waited for.
Result<ReadAhead*> ObjectReader::window(const Operation& op, BufferPool::Use use) {
  if (ahead_ && ahead_->position() == position_) return ahead_.get();
  ahead_.reset();
  const bool may_wait = use == BufferPool::Use::kBulk;
  const Context at_once = op.context().with_timeout({});
  auto ahead = ReadAhead::begin(may_wait ? op : operation(at_once), use, key_, info_, position_);
  if (!ahead && !may_wait && !op.context().ended()) return nullptr;
  if (!ahead) return fail(std::move(ahead).error());
  ahead_ = *std::move(ahead);
  return ahead_.get();
}

Result<std::size_t> ObjectReader::read(const Context& ctx, std::span<std::byte> into) {
  Operation op = operation(ctx);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (into.empty() || position_ >= info_.size) return 0;
  auto ahead = into.size() < kLargeRead ? window(op, BufferPool::Use::kReadAhead) : nullptr;
  if (!ahead) return fail(std::move(ahead).error());
  if (*ahead == nullptr) {
    auto got = read_at(ctx, position_, into);
    if (!got) return got;
    if (auto right = check_.add(position_, into.first(*got)); !right) return op.failed(std::move(right).error());
    position_ += *got;
    return got;
  }
  std::size_t got = 0;
  while (got < into.size()) {
    auto bytes = (*ahead)->next(ctx);
    if (!bytes && got > 0) break;  // which the next call meets again
    if (!bytes) {
      if (!ctx.ended()) ahead_.reset();
      return failed(op, std::move(bytes).error());
    }
    if (bytes->empty()) break;
    std::size_t length = std::min(bytes->size(), into.size() - got);
    auto right = check_.add(position_, bytes->first(length));
    if (!right) return op.failed(std::move(right).error());
    std::ranges::copy(bytes->first(length), into.begin() + static_cast<std::ptrdiff_t>(got));
    (*ahead)->take(length);
    got += length;
    position_ += length;
  }
  return got;
}

Result<std::size_t> ObjectReader::read_at(const Context& ctx, std::uint64_t offset, std::span<std::byte> into) {
  Operation op = operation(ctx);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (into.empty() || offset >= info_.size) return 0;
  into = into.first(std::min<std::uint64_t>(into.size(), info_.size - offset));
  std::vector<std::unique_ptr<ObjectRead>> pieces;
  std::vector<net::Exchange*> exchanges;
  for (std::size_t begin = 0; begin < into.size(); begin += kRange) {
    pieces.push_back(std::make_unique<ObjectRead>(
        *bucket_, key_,
        ObjectRead::Range{.offset = static_cast<std::int64_t>(offset + begin),
                          .into = into.subspan(begin, std::min(kRange, into.size() - begin)),
                          .if_version = info_.version,
                          .if_size = info_.size}));
    exchanges.push_back(pieces.back().get());
  }
  if (auto done = bucket_->client().run_all(ctx, exchanges); !done) return failed(op, std::move(done).error());
  return into.size();
}

Result<std::uint64_t> ObjectReader::copy_to(const Context& ctx, int descriptor, std::atomic<std::uint64_t>* progress) {
  Operation op = operation(ctx);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  ByteOutlet outlet(descriptor, progress);
  if (!outlet.is_open()) {
    return op.failed(ErrorCode::kInvalidArgument, fmt::format("{} is no open descriptor", descriptor));
  }
  const std::uint64_t begin = position_;
  while (position_ < info_.size) {
    auto ahead = window(op, BufferPool::Use::kBulk);
    if (!ahead) return fail(std::move(ahead).error());
    auto bytes = (*ahead)->next(ctx);
    if (!bytes) {
      ahead_.reset();
      return failed(op, std::move(bytes).error());
    }
    if (auto written = write(op, outlet, *bytes); !written) {
      ahead_.reset();
      return fail(std::move(written).error());
    }
  }
  ahead_.reset();  // bulk memory is held by calls alone
  return position_ - begin;
}

Result<void> ObjectReader::write(const Operation& op, ByteOutlet& outlet, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (auto going = op.check(); !going) return going;
    ssize_t count = outlet.write_some(bytes);
    if (count < 0) {
      const int error = static_cast<int>(-count);
      return op.failed(Error{.code = error == ENOSPC || error == EDQUOT ? ErrorCode::kNoSpace : ErrorCode::kIo,
                             .message = fmt::format("write the copy: {}", std::generic_category().message(error)),
                             .system_error = error,
                             .request_id = {}});
    }
    auto right = check_.add(position_, bytes.first(static_cast<std::size_t>(count)));
    if (!right) return op.failed(std::move(right).error());
    ahead_->take(static_cast<std::size_t>(count));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    position_ += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Reader>> open_object(const Context& ctx, std::shared_ptr<Bucket> bucket,
                                            std::string_view object) {
  Operation op(*bucket, ctx, "open", object);
  if (auto going = op.check(); !going) return fail(std::move(going).error());
  if (auto valid = op.check_name(); !valid) return fail(std::move(valid).error());
  auto info = look_at(*bucket, ctx, bucket->key_of(object));
  if (!info) return op.failed(std::move(info).error());
  return std::make_unique<ObjectReader>(std::move(bucket), object, *info);
}

}  // namespace scabbard::s3
