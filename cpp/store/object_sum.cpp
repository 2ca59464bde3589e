#include "store/object_sum.hpp"

#include <cstddef>
#include <vector>

#include "base/crc32c.hpp"

namespace scabbard {

Result<std::uint32_t> object_sum(const Context& ctx, Store& store, std::string_view object,
                                 std::atomic<std::uint64_t>* progress) {
  constexpr std::size_t kPiece = std::size_t{256} << 10;  // stays in the cache until it is summed
  auto reader = store.open(ctx, object);
  if (!reader) return fail(std::move(reader).error());
  std::vector<std::byte> piece(kPiece);
  std::uint32_t sum = 0;
  while (true) {
    auto got = (*reader)->read(ctx, piece);
    if (!got) return fail(std::move(got).error());
    if (*got == 0) return sum;
    sum = crc32c(std::span(piece).first(*got), sum);
    if (progress != nullptr) *progress += *got;
  }
}

}  // namespace scabbard
