// Content-Range: what was understood, written again, is understood the same, and lies within the object.
#include "net/content_range.hpp"

#include <string>

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

namespace {

std::string written(const net::ContentRange& range) {
  const std::string size = "/" + std::to_string(range.object_size);
  if (range.length == 0) return "bytes *" + size;
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.length - 1) + size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto range = net::parse_content_range(fuzz::text(data, size));
  if (!range) return 0;
  SCABBARD_FUZZ_CHECK(range->length <= range->object_size);
  SCABBARD_FUZZ_CHECK(range->first <= range->object_size - range->length);
  SCABBARD_FUZZ_CHECK(range->length > 0 || range->first == 0);
  auto again = net::parse_content_range(written(*range));
  SCABBARD_FUZZ_CHECK(again.has_value());
  SCABBARD_FUZZ_CHECK(again->first == range->first && again->length == range->length);
  SCABBARD_FUZZ_CHECK(again->object_size == range->object_size);
  return 0;
}
