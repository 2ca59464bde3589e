// Options of a store: lines "key=value" as Meta, and each line as a size and as a duration.
#include "base/options.hpp"

#include <string>

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text(data, size);
  std::map<std::string, std::string> meta;
  while (!rest.empty()) {
    std::string_view line = fuzz::next_line(rest);
    std::size_t equals = line.find('=');
    std::string_view value = equals == std::string_view::npos ? line : line.substr(equals + 1);
    meta.emplace(line.substr(0, equals), value);

    if (auto bytes = parse_size(value); !bytes) SCABBARD_FUZZ_CHECK(fuzz::is_one_line(bytes.error().message));
    auto time = parse_duration(value);
    SCABBARD_FUZZ_CHECK(time ? time->count() >= 0 : fuzz::is_one_line(time.error().message));
  }
  auto options = Options::parse("file", meta);
  if (!options) {
    SCABBARD_FUZZ_CHECK(options.error().code == ErrorCode::kInvalidArgument);
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(options.error().message));
  }
  return 0;
}
