#include "base/buffer_pool.hpp"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

#include "base/log.hpp"
#include "base/options.hpp"

namespace scabbard {
namespace {

constexpr std::size_t kDefaultCeiling = std::size_t{256} << 20;
constexpr std::size_t kLeastCeiling = std::size_t{16} << 20;
// Memory kept for the next operation: enough for a few streams, little beside the host's.
constexpr std::size_t kMaxIdle = std::size_t{16} << 20;

std::byte* map_memory(std::size_t size) {
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : static_cast<std::byte*>(data);
}

std::size_t ceiling_from_environment() {
  const char* value = std::getenv("SCABBARD_MEMORY");
  if (value == nullptr || *value == '\0') return kDefaultCeiling;
  auto size = parse_size(value);
  if (!size) {
    log::warn("SCABBARD_MEMORY {}; taking 256MiB", size.error().message);
    return kDefaultCeiling;
  }
  if (*size < kLeastCeiling) {
    log::warn("SCABBARD_MEMORY is {} bytes, less than works; taking 16MiB", *size);
    return kLeastCeiling;
  }
  return *size;
}

}  // namespace

BufferPool::Buffer::Buffer(Buffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

BufferPool::Buffer& BufferPool::Buffer::operator=(Buffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

BufferPool::Buffer::~Buffer() {
  if (data_ != nullptr) pool_->give_back(data_, size_);
}

BufferPool::Ticket::Ticket(Ticket&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      use_(other.use_),
      reserved_(std::exchange(other.reserved_, 0)),
      left_(std::exchange(other.left_, 0)) {}

BufferPool::Ticket& BufferPool::Ticket::operator=(Ticket&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(use_, other.use_);
  std::swap(reserved_, other.reserved_);
  std::swap(left_, other.left_);
  return *this;
}

BufferPool::Ticket::~Ticket() {
  if (pool_ != nullptr) pool_->release(use_, reserved_);
}

Result<BufferPool::Buffer> BufferPool::Ticket::take(std::size_t size) {
  assert(size <= left_);
  BufferPool& pool = *pool_;
  {
    std::lock_guard lock(pool.mutex_);
    if (auto kept = pool.idle_.find(size); kept != pool.idle_.end()) {
      std::byte* data = kept->second;
      pool.idle_.erase(kept);
      pool.idle_bytes_ -= size;
      left_ -= size;
      return Buffer(&pool, data, size);
    }
  }
  std::byte* data = map_memory(size);
  if (data == nullptr) {
    return fail(ErrorCode::kInternal, fmt::format("take a buffer of {} bytes: the machine has no memory left", size));
  }
  left_ -= size;
  return Buffer(&pool, data, size);
}

BufferPool::BufferPool(std::size_t ceiling) : ceiling_(ceiling) {
  share_for(Use::kSmall).limit = ceiling / 4;
  share_for(Use::kReadAhead).limit = ceiling / 4;
  share_for(Use::kBulk).limit = ceiling - ceiling / 4 * 2;
}

BufferPool::~BufferPool() {
  for (auto [size, data] : idle_) ::munmap(data, size);
}

BufferPool& BufferPool::process() {
  static auto* pool = new BufferPool(ceiling_from_environment());
  return *pool;
}

Result<BufferPool::Ticket> BufferPool::reserve(const Context& ctx, Use use, std::size_t size,
                                               const std::stop_token& closing) {
  Share& share = share_for(use);
  if (size > share.limit) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("reserve {} bytes of memory: the ceiling leaves {} (raise SCABBARD_MEMORY)", size, share.limit));
  }
  std::stop_source either;
  auto end = [&either] { either.request_stop(); };
  std::stop_callback cancelled(ctx.cancel_token(), end);
  std::stop_callback closed(closing, end);
  const Context waiting = ctx.with_cancel(either.get_token());
  std::unique_lock lock(mutex_);
  // First come, first served: a reservation waits for its turn even when it would fit.
  const void* place = &size;
  share.queue.push_back(place);
  auto ended =
      waiting.wait(lock, freed_, [&] { return share.queue.front() == place && share.used + size <= share.limit; });
  std::erase(share.queue, place);
  freed_.notify_all();
  if (ended) return fail(*ended, fmt::format("wait for {} bytes of memory: {}", size, to_string(*ended)));
  share.used += size;
  return Ticket(this, use, size);
}

std::size_t BufferPool::reserved() const {
  std::lock_guard lock(mutex_);
  std::size_t total = 0;
  for (const Share& share : shares_) total += share.used;
  return total;
}

void BufferPool::release(Use use, std::size_t size) {
  std::lock_guard lock(mutex_);
  share_for(use).used -= size;
  freed_.notify_all();
}

void BufferPool::give_back(std::byte* data, std::size_t size) {
  {
    std::lock_guard lock(mutex_);
    if (idle_bytes_ + size <= kMaxIdle) {
      idle_.emplace(size, data);
      idle_bytes_ += size;
      return;
    }
  }
  ::munmap(data, size);
}

}  // namespace scabbard
