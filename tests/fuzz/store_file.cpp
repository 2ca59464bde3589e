// sectorstore.json as it lies in a store folder, written by anyone.
#include "store/store_file.hpp"

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto file = parse_store_file(fuzz::text(data, size));
  if (file) {
    StoreConfig config = file->as_config("/store");
    SCABBARD_FUZZ_CHECK(!config.path.empty());
  } else {
    SCABBARD_FUZZ_CHECK(file.error().code == ErrorCode::kInvalidArgument);
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(file.error().message));
  }
  return 0;
}
