// ~/.aws/config and ~/.aws/credentials, separated by a line of dashes: what was read, written again, is read the same.
#include "store/s3/shared_config.hpp"

#include "input.hpp"

using namespace scabbard;  // NOLINT(google-build-using-namespace)

namespace {

std::string written(const s3::IniSections& sections) {
  std::string out;
  for (const auto& [section, keys] : sections) {
    out += "[" + section + "]\n";
    for (const auto& [key, value] : keys) {
      out += key + "=";  // a space before a '#' would make it a comment
      for (char c : value) out += c == '\n' ? std::string("\n ") : std::string(1, c);
      out += "\n";
    }
  }
  return out;
}

void check_ini(std::string_view text) {
  auto sections = s3::parse_ini(text, "file");
  if (sections) {
    auto again = s3::parse_ini(written(*sections), "file");
    SCABBARD_FUZZ_CHECK(again.has_value());
    SCABBARD_FUZZ_CHECK(*again == *sections);
  } else {
    SCABBARD_FUZZ_CHECK(sections.error().code == ErrorCode::kInvalidArgument);
    SCABBARD_FUZZ_CHECK(fuzz::is_one_line(sections.error().message));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text(data, size);
  constexpr std::string_view kDashes = "\n---\n";
  std::size_t at = input.find(kDashes);
  std::string_view config = input.substr(0, at);
  std::string_view credentials = at == std::string_view::npos ? "" : input.substr(at + kDashes.size());
  check_ini(config);
  check_ini(credentials);
  if (auto shared = s3::SharedConfig::parse(config, credentials)) {
    SCABBARD_FUZZ_CHECK(!shared->value("default", "a") || shared->has_profile("default"));
    SCABBARD_FUZZ_CHECK(!shared->service_value("x", "s3", "endpoint_url") || shared->value("x", "services"));
  }
  return 0;
}
