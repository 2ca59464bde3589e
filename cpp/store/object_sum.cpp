#include "store/object_sum.hpp"

#include <cstddef>
#include <vector>

#include "base/crc32c.hpp"

namespace scabbard {

Result<SummedObject> sum_object(const Context& ctx, Store& store, std::string_view object,
                                std::atomic<std::uint64_t>* progress) {
  constexpr std::size_t kPiece = std::size_t{256} << 10;  // stays in the cache until it is summed
  auto reader = store.open(ctx, object);
  if (!reader) return fail(std::move(reader).error());
  std::vector<std::byte> piece(kPiece);
  SummedObject summed{.info = (*reader)->info()};
  summed.info.size = 0;
  while (true) {
    auto got = (*reader)->read(ctx, piece);
    if (!got) return fail(std::move(got).error());
    if (*got == 0) return summed;
    summed.crc32c = crc32c(std::span(piece).first(*got), summed.crc32c);
    summed.info.size += *got;
    if (progress != nullptr) *progress += *got;
  }
}

}  // namespace scabbard
