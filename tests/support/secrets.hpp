// Secrets of tests, and whether they stay ones. Every secret access key, token and password of a test has kSecretMark
// in it, so that nothing may that anything of ours writes: output and log (tests/secrets/check.sh), what commands
// print, errors (result_matchers.hpp), files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace scabbard {

/// As in tests/secrets/check.sh.
inline constexpr std::string_view kSecretMark = "hunter2";

inline bool shows_secret(std::string_view text) { return text.contains(kSecretMark); }

/// The names of the files below a folder that show one, in order.
std::vector<std::string> files_with_secret(const std::filesystem::path& folder);

}  // namespace scabbard
