#include "store/s3/read_ahead.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace scabbard::s3 {

Result<std::unique_ptr<ReadAhead>> ReadAhead::begin(const Operation& op, BufferPool::Use use, std::string_view key,
                                                    const ObjectInfo& info, std::uint64_t offset) {
  const std::uint64_t rest = info.size - std::min(info.size, offset);
  // With little memory the window is smaller, and so are the requests.
  const std::size_t chunk = std::min<std::size_t>(kChunk, BufferPool::process().ceiling() / 32);
  const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(rest, chunk));
  const std::size_t chunks = length == 0 ? 0 : std::min<std::uint64_t>(kChunks, (rest + chunk - 1) / chunk);
  auto ticket = op.reserve(use, chunks * length);
  if (!ticket) return fail(std::move(ticket).error());
  std::unique_ptr<ReadAhead> ahead(new ReadAhead(op.bucket(), key, info, offset, *std::move(ticket), length));
  for (std::size_t i = 0; i < chunks; ++i) {
    auto buffer = ahead->ticket_.take(length);
    if (!buffer) return fail(std::move(buffer).error());
    ahead->unused_.push_back(*std::move(buffer));
  }
  ahead->fill();
  return ahead;
}

ReadAhead::ReadAhead(Bucket& bucket, std::string_view key, const ObjectInfo& info, std::uint64_t offset,
                     BufferPool::Ticket ticket, std::size_t chunk)
    : bucket_(bucket),
      key_(key),
      info_(info),
      ticket_(std::move(ticket)),
      chunk_size_(chunk),
      position_(offset),
      requested_(offset) {}

ReadAhead::~ReadAhead() {
  bucket_.client().cancel(arrivals_);
  std::unique_lock lock(arrivals_.mutex);
  arrivals_.changed.wait(lock, [&] { return arrivals_.under_way == 0; });
}

void ReadAhead::Arrivals::finished(std::span<net::Finished> some) {
  std::lock_guard lock(mutex);
  for (net::Finished& one : some) {
    auto chunk = std::ranges::find(chunks, one.exchange, [](const Chunk& c) -> net::Exchange* { return c.read.get(); });
    chunk->result = std::move(one.result);
  }
  under_way -= some.size();
  changed.notify_all();
}

// Requests what there are buffers for.
void ReadAhead::fill() {
  std::vector<net::Exchange*> requests;
  {
    std::lock_guard lock(arrivals_.mutex);
    while (!unused_.empty() && requested_ < info_.size) {
      Chunk& chunk = arrivals_.chunks.emplace_back();
      chunk.offset = requested_;
      chunk.buffer = std::move(unused_.back());
      unused_.pop_back();
      auto length = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_size_, info_.size - requested_));
      chunk.read = std::make_unique<ObjectRead>(bucket_, key_,
                                                ObjectRead::Range{.offset = static_cast<std::int64_t>(requested_),
                                                                  .into = chunk.buffer.bytes().first(length),
                                                                  .if_version = info_.version,
                                                                  .if_size = info_.size});
      requested_ += length;
      requests.push_back(chunk.read.get());
    }
    arrivals_.under_way += requests.size();
  }
  if (!requests.empty()) bucket_.client().submit(requests, arrivals_);
}

Result<std::span<const std::byte>> ReadAhead::next(const Context& ctx) {
  std::unique_lock lock(arrivals_.mutex);
  if (arrivals_.chunks.empty()) return std::span<const std::byte>();
  Chunk& front = arrivals_.chunks.front();
  auto ended = ctx.wait(lock, arrivals_.changed, [&] { return front.result.has_value(); });
  if (ended) return fail(*ended, std::string(to_string(*ended)));
  if (!*front.result) return fail(front.result->error());
  return front.buffer.bytes().subspan(static_cast<std::size_t>(position_ - front.offset),
                                      static_cast<std::size_t>(front.offset + front.read->got() - position_));
}

void ReadAhead::take(std::size_t size) {
  position_ += size;
  {
    std::lock_guard lock(arrivals_.mutex);
    Chunk& front = arrivals_.chunks.front();
    if (position_ < front.offset + front.read->got()) return;
    unused_.push_back(std::move(front.buffer));
    arrivals_.chunks.pop_front();
  }
  fill();
}

}  // namespace scabbard::s3
