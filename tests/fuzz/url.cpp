// Store URLs: what is accepted carries no credentials and has its parts.
#include "store/url.hpp"

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text(data, size);
  auto url = parse_url(input);
  if (url) {
    SCABBARD_FUZZ_CHECK(is_url(input));
    SCABBARD_FUZZ_CHECK(!url->scheme.empty());
    SCABBARD_FUZZ_CHECK(url->authority.find('@') == std::string::npos);
    SCABBARD_FUZZ_CHECK(url->path.empty() || url->path.front() == '/');
    SCABBARD_FUZZ_CHECK(url->path.find('\0') == std::string::npos);
  } else {
    SCABBARD_FUZZ_CHECK(url.error().code == ErrorCode::kInvalidArgument);
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(url.error().message));
  }
  return 0;
}
