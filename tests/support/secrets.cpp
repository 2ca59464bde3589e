#include "support/secrets.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace scabbard {

std::vector<std::string> files_with_secret(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (shows_secret(text)) names.push_back(file.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace scabbard
