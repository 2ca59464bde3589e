// A window of ranged GETs that slides over an object, delivered in order.
//
// Belongs to one thread at a time. All memory is reserved before the first request.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/buffer_pool.hpp"
#include "store/s3/bucket.hpp"
#include "store/s3/object_read.hpp"

namespace scabbard::s3 {

class ReadAhead {
 public:
  /// Bytes of one request, and how many are in flight.
  static constexpr std::size_t kChunk = std::size_t{4} << 20;
  static constexpr std::size_t kChunks = 4;

  /// Reads from `offset` to the end of an object of that size and version; waits for memory.
  static Result<std::unique_ptr<ReadAhead>> begin(const Operation& op, BufferPool::Use use, std::string_view key,
                                                  const ObjectInfo& info, std::uint64_t offset);
  /// Cancels what is under way.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// What has come and not been taken; empty at the end. Waits where there is nothing. An error is final, but for that
  /// of the context.
  Result<std::span<const std::byte>> next(const Context& ctx);
  /// Takes the first bytes of it.
  void take(std::size_t size);
  /// Where the next byte lies in the object.
  std::uint64_t position() const { return position_; }

 private:
  struct Chunk {
    std::uint64_t offset = 0;
    BufferPool::Buffer buffer;
    std::unique_ptr<ObjectRead> read;
    std::optional<Result<void>> result;  // guarded by Arrivals::mutex_
  };
  // Where finished requests come in.
  class Arrivals final : public net::Receiver {
   public:
    void finished(std::span<net::Finished> some) override;
    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<Chunk> chunks;  // in order; the front is being delivered
    std::size_t under_way = 0;
  };

  ReadAhead(Bucket& bucket, std::string_view key, const ObjectInfo& info, std::uint64_t offset,
            BufferPool::Ticket ticket, std::size_t chunk);
  void fill();

  Bucket& bucket_;
  const std::string key_;
  const ObjectInfo info_;
  BufferPool::Ticket ticket_;
  const std::size_t chunk_size_;
  std::vector<BufferPool::Buffer> unused_;
  std::uint64_t position_;
  std::uint64_t requested_;  // up to here
  Arrivals arrivals_;
};

}  // namespace scabbard::s3
