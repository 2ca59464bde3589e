// Memory for data in flight, under one ceiling for the whole process.
//
// An operation reserves everything that it needs to make progress in one Ticket before it touches its
// source, and takes its buffers from that: nobody ever waits for memory while holding some, so the pool
// cannot deadlock. Reservations are served in the order they came. Small reads have a share of their own,
// so that bulk transfers never starve a proof.
//
// Safe from any thread. A Ticket and its buffers may move between threads but are not synchronised.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"

namespace scabbard {

class BufferPool {
 public:
  enum class Use {
    kBulk,
    kSmallRead,  ///< at most 1 MiB each
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

  /// `ceiling` bytes in all, a quarter of it kept for small reads.
  explicit BufferPool(std::size_t ceiling);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// The pool of the process: 256 MiB, or what SCABBARD_MEMORY says ("512MiB"). Never destroyed.
  static BufferPool& process();

  /// Waits until `size` bytes are free. kInvalidArgument where the share could never hold them.
  Result<Ticket> reserve(const Context& ctx, Use use, std::size_t size);

  std::size_t ceiling() const { return ceiling_; }
  std::size_t reserved() const;

 private:
  struct Share {
    std::size_t limit = 0;
    std::size_t used = 0;
    std::deque<const void*> queue;  // waiting reservations, oldest first
  };

  Share& share_for(Use use) { return use == Use::kSmallRead ? small_ : bulk_; }
  void release(Use use, std::size_t size);
  void give_back(std::byte* data, std::size_t size);

  const std::size_t ceiling_;
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  Share small_;
  Share bulk_;
  std::multimap<std::size_t, std::byte*> idle_;  // kept for reuse, at most kMaxIdle bytes
  std::size_t idle_bytes_ = 0;
};

}  // namespace scabbard
