// Object names from anywhere: one that is accepted stays inside the store, whatever it is appended to.
#include "store/object_name.hpp"

#include <filesystem>
#include <string>

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view name = fuzz::text(data, size);
  auto checked = check_object_name(name);
  if (!checked) {
    SCABBARD_FUZZ_CHECK(checked.error().code == ErrorCode::kInvalidPath);
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(checked.error().message));
    return 0;
  }
  SCABBARD_FUZZ_CHECK(!name.empty() && name.find('\0') == std::string_view::npos);
  std::string path = "/root/store/" + std::string(name);
  SCABBARD_FUZZ_CHECK(std::filesystem::path(path).lexically_normal() == path);
  for (const auto& component : std::filesystem::path(name)) {
    SCABBARD_FUZZ_CHECK(!component.native().starts_with(kTemporaryPrefix));
  }
  return 0;
}
