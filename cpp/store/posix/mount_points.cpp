#include "store/posix/mount_points.hpp"

#include <charconv>
#include <fstream>
#include <iterator>

namespace scabbard::posix {
namespace {

// The fifth field of a line is the mount point.
constexpr int kFieldsBefore = 4;

std::string_view mount_point_in(std::string_view line) {
  for (int field = 0; field < kFieldsBefore; ++field) {
    auto space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

// Spaces and the like are written as \040.
std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    unsigned char byte = 0;
    bool escaped = text.size() >= 4 && text[0] == '\\' &&
                   std::from_chars(text.data() + 1, text.data() + 4, byte, 8).ptr == text.data() + 4;
    out += escaped ? static_cast<char>(byte) : text[0];
    text.remove_prefix(escaped ? 4 : 1);
  }
  return out;
}

bool lies_on(std::string_view path, std::string_view mount_point) {
  if (mount_point == "/") return true;
  return path.starts_with(mount_point) && (path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

}  // namespace

std::string mount_point_of(std::string_view path, std::string_view mountinfo) {
  std::string nearest = "/";
  while (!mountinfo.empty()) {
    auto end = mountinfo.find('\n');
    std::string mount_point = unescaped(mount_point_in(mountinfo.substr(0, end)));
    if (mount_point.size() > nearest.size() && lies_on(path, mount_point)) nearest = std::move(mount_point);
    mountinfo = end == std::string_view::npos ? std::string_view() : mountinfo.substr(end + 1);
  }
  return nearest;
}

std::string mount_point_of(std::string_view path) {
  std::ifstream table("/proc/self/mountinfo");
  const std::string text{std::istreambuf_iterator<char>(table), {}};
  return mount_point_of(path, text);
}

}  // namespace scabbard::posix
