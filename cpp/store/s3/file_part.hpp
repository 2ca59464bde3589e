// A part of a file that is sent out of the page cache: each piece is read into the memory that the socket is written
// from, and summed while it is there. A part in a buffer of ours would be copied, and take room, once more.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>

#include "net/exchange.hpp"

namespace scabbard::s3 {

/// As pread(); kChanged where the source ends earlier.
Result<std::size_t> read_at(int descriptor, std::uint64_t offset, std::span<std::byte> into, int flags = 0);

class FilePart final : public net::BodySource {
 public:
  /// Whether the filesystem can tell what of a file lies in memory. If not, reading might block.
  static bool can_tell(int descriptor);

  /// `on_missing` is called on a loop thread when read() finds nothing in memory: fetch(), then Client::resume().
  FilePart(int descriptor, std::uint64_t offset, std::uint64_t size, std::function<void()> on_missing);

  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) override;
  /// Gets what is missing from the disk. Blocks.
  Result<void> fetch() const;
  /// Reads all of it and sums it. Blocks.
  Result<std::uint32_t> sum() const;

  std::uint64_t size() const { return size_; }
  /// Of what was read last from beginning to end.
  std::uint32_t crc32c() const { return crc32c_; }

 private:
  const int descriptor_;
  const std::uint64_t offset_;
  const std::uint64_t size_;
  const std::function<void()> on_missing_;
  std::atomic<std::uint64_t> missing_ = 0;  // where, from the part's beginning
  std::uint32_t crc32c_ = 0;
};

}  // namespace scabbard::s3
