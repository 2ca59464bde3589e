// scabbard.toml.
#include "input.hpp"
#include "store/store_file.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto stores = parse_config_file(fuzz::text(data, size));
  if (!stores) {
    SCABBARD_FUZZ_CHECK(stores.error().code == ErrorCode::kInvalidArgument);
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(stores.error().message));
  }
  return 0;
}
