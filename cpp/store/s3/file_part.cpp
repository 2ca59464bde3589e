#include "store/s3/file_part.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "base/crc32c.hpp"

namespace scabbard::s3 {
namespace {

// What is hashed while it is still in the processor's cache.
constexpr std::size_t kPiece = std::size_t{128} << 10;
// What the disk is asked for at a time: several parts are read in turn, which hides from the kernel that each of them
// is read from beginning to end.
constexpr std::size_t kAhead = std::size_t{4} << 20;

}  // namespace

Result<std::size_t> read_at(int descriptor, std::uint64_t offset, std::span<std::byte> into, int flags) {
  const iovec piece{.iov_base = into.data(), .iov_len = into.size()};
  ssize_t count = -1;
  do {
    count = ::preadv2(descriptor, &piece, 1, static_cast<off_t>(offset), flags);
  } while (count < 0 && errno == EINTR);
  if (count > 0) return static_cast<std::size_t>(count);
  if (count == 0) return fail(ErrorCode::kChanged, "the source is shorter than it was");
  const int error = errno;
  return fail(Error{.code = ErrorCode::kIo,
                    .message = fmt::format("read the source: {}", std::generic_category().message(error)),
                    .system_error = error,
                    .request_id = {}});
}

bool FilePart::can_tell(int descriptor) {
  std::byte first{};
  const iovec piece{.iov_base = &first, .iov_len = 1};
  return ::preadv2(descriptor, &piece, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
}

FilePart::FilePart(int descriptor, std::uint64_t offset, std::uint64_t size, std::function<void()> on_missing)
    : descriptor_(descriptor), offset_(offset), size_(size), on_missing_(std::move(on_missing)) {}

Result<std::size_t> FilePart::read(std::uint64_t offset, std::span<std::byte> into) {
  if (offset == 0) crc32c_ = 0;
  into = into.first(std::min(into.size(), kPiece));
  auto got = read_at(descriptor_, offset_ + offset, into, RWF_NOWAIT);
  if (!got && got.error().system_error == EAGAIN) {
    missing_ = offset;
    on_missing_();
    return 0;
  }
  if (got) crc32c_ = scabbard::crc32c(into.first(*got), crc32c_);
  return got;
}

Result<void> FilePart::fetch() const {
  const std::uint64_t missing = missing_;
  ::posix_fadvise(descriptor_, static_cast<off_t>(offset_ + missing),
                  static_cast<off_t>(std::min<std::uint64_t>(kAhead, size_ - missing)), POSIX_FADV_WILLNEED);
  std::vector<std::byte> piece(std::min<std::uint64_t>(kPiece, size_ - missing));
  auto got = read_at(descriptor_, offset_ + missing, piece, 0);
  return got ? Result<void>() : fail(std::move(got).error());
}

Result<std::uint32_t> FilePart::sum() const {
  std::vector<std::byte> piece(kPiece);
  std::uint32_t sum = 0;
  for (std::uint64_t done = 0; done < size_;) {
    auto into = std::span(piece).first(std::min<std::uint64_t>(kPiece, size_ - done));
    auto got = read_at(descriptor_, offset_ + done, into, 0);
    if (!got) return fail(std::move(got).error());
    sum = scabbard::crc32c(into.first(*got), sum);
    done += *got;
  }
  return sum;
}

}  // namespace scabbard::s3
