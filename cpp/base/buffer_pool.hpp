// Memory for data in flight, under one ceiling for the whole process.
//
// An operation reserves everything that it needs to make progress in one Ticket before it touches its
// source, and takes its buffers from that: nobody ever waits for memory while holding some of the same share, so the
// pool cannot deadlock. Reservations are served in the order they came. What is small has a share of its own, so that
// bulk transfers never starve a proof.
//
// Safe from any thread. A Ticket and its buffers may move between threads but are not synchronised.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <vector>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard {

class BufferPool {
 public:
  enum class Use {
    kBulk,
    kSmall,      ///< at most 1 MiB each: small reads, the first bytes of what is written
    kReadAhead,  ///< of a reader, which keeps it between its calls: nobody may wait for it
  };

  /// Page-aligned memory; goes back to the pool when destroyed.
  class Buffer {
   public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();
    std::span<std::byte> bytes() const { return {data_, size_}; }
    explicit operator bool() const { return data_ != nullptr; }

   private:
    friend class BufferPool;
    Buffer(BufferPool* pool, std::byte* data, std::size_t size) : pool_(pool), data_(data), size_(size) {}
    BufferPool* pool_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
  };

  /// A promise of memory, kept until it is destroyed. Must outlive the buffers taken from it.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket();
    /// A buffer of `size` bytes out of the reservation; kInternal where the machine has no memory left.
    /// Taking more in all than was reserved is a defect.
    Result<Buffer> take(std::size_t size);

   private:
    friend class BufferPool;
    Ticket(BufferPool* pool, Use use, std::size_t size) : pool_(pool), use_(use), reserved_(size), left_(size) {}
    BufferPool* pool_ = nullptr;
    Use use_ = Use::kBulk;
    std::size_t reserved_ = 0;
    std::size_t left_ = 0;
  };

  /// `ceiling` bytes in all, a quarter of it kept for what is small, another for reading ahead.
  explicit BufferPool(std::size_t ceiling);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// The pool of the process: 256 MiB, or what SCABBARD_MEMORY says ("512MiB"). Never destroyed.
  static BufferPool& process();

  /// Waits until `size` bytes are free, kCancelled also when `closing` is requested to stop. kInvalidArgument where the
  /// share could never hold them.
  Result<Ticket> reserve(const Context& ctx, Use use, std::size_t size, const std::stop_token& closing = {});

  std::size_t ceiling() const { return ceiling_; }
  /// The most that can be reserved for a use.
  std::size_t limit(Use use) const { return shares_[static_cast<std::size_t>(use)].limit; }
  std::size_t reserved() const;

 private:
  struct Share {
    std::size_t limit = 0;
    std::size_t used = 0;
    std::deque<const void*> queue;  // waiting reservations, oldest first
  };

  Share& share_for(Use use) { return shares_[static_cast<std::size_t>(use)]; }
  void release(Use use, std::size_t size);
  void give_back(std::byte* data, std::size_t size);

  const std::size_t ceiling_;
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  std::array<Share, 3> shares_;                  // by Use
  std::multimap<std::size_t, std::byte*> idle_;  // kept for reuse, at most kMaxIdle bytes
  std::size_t idle_bytes_ = 0;
};

}  // namespace scabbard
