// The JSON that the C interface takes a store's configuration in.
#include "capi/store_config.hpp"

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto config = parse_store_config(fuzz::text(data, size));
  if (!config) {
    SCABBARD_FUZZ_CHECK(config.error().code == ErrorCode::kInvalidArgument);
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(config.error().message));
  }
  return 0;
}
