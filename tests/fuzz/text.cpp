// Text for people: a quoted text is one printable line, a redacted one stays redacted and has lost its secret.
#include "base/text.hpp"

#include <array>
#include <string>

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text(data, size);

  std::string quotation = quote(input);
  SCABBARD_FUZZ_CHECK(quotation.size() >= 2 && quotation.front() == '"' && quotation.back() == '"');
  SCABBARD_FUZZ_CHECK(fuzz::is_one_line(quotation));

  std::string once = redacted(input);
  SCABBARD_FUZZ_CHECK(redacted(once) == once);

  constexpr std::string_view kSecret = "Zq7hunter2Zq7";
  if (input.find(kSecret) == std::string_view::npos) {
    for (std::string_view before : {"secret_access_key=", "https://user:", "token: "}) {
      std::string planted = std::string(input) + "\n" + std::string(before) + std::string(kSecret) + "@host/\n";
      SCABBARD_FUZZ_CHECK(redacted(planted).find(kSecret) == std::string::npos);
    }
  }

  constexpr std::array<std::string_view, 3> kWords = {"Endpoint", "Region", "PartSize"};
  std::string_view found = nearest(input, kWords);
  SCABBARD_FUZZ_CHECK(found.empty() || found == kWords[0] || found == kWords[1] || found == kWords[2]);
  return 0;
}
