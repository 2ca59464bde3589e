#include "store/object_name.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"

namespace scabbard {
namespace {

std::string_view broken_rule(std::string_view object) {
  if (object.empty()) return "is empty";
  if (object.find('\0') != std::string_view::npos) return "contains a NUL byte";
  if (object.front() == '/') return "begins with a slash";
  if (object.back() == '/') return "ends with a slash";
  for (std::size_t begin = 0; begin <= object.size();) {
    std::size_t end = std::min(object.find('/', begin), object.size());
    std::string_view component = object.substr(begin, end - begin);
    if (component.empty()) return "contains an empty component";
    if (component == "." || component == "..") return "contains a . or .. component";
    if (component.starts_with(kTemporaryPrefix)) return "is a name that scabbard keeps for itself";
    begin = end + 1;
  }
  return {};
}

}  // namespace

std::string joined(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

bool lies_in(std::string_view name, std::string_view folder) {
  return folder.empty() || (name.size() > folder.size() && name.starts_with(folder) && name[folder.size()] == '/');
}

std::vector<std::string> folders_above(std::string_view name) {
  std::vector<std::string> folders;
  while (name.contains('/')) {
    name = name.substr(0, name.rfind('/'));
    folders.emplace_back(name);
  }
  return folders;
}

Result<void> check_object_name(std::string_view object) {
  std::string_view rule = broken_rule(object);
  if (rule.empty()) return {};
  return fail(ErrorCode::kInvalidPath, fmt::format("object name {} {}", quote(object), rule));
}

}  // namespace scabbard
