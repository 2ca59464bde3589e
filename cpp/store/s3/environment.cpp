#include "store/s3/environment.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace scabbard::s3 {
namespace {

// Under systemd there is no HOME.
std::string home_of_user() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  constexpr std::size_t kRoomForOneEntry = 16384;
  std::vector<char> room(kRoomForOneEntry);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_dir;
}

bool is_ours(std::string_view name) {
  return name.starts_with("AWS_") || name == "SCABBARD_STATE" || name == "XDG_STATE_HOME";
}

}  // namespace

Environment Environment::of_process() {
  Environment out{.variables = {}, .home = home_of_user()};
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    std::string_view text = *variable;
    std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || !is_ours(text.substr(0, equals))) continue;
    out.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

std::string Environment::get(std::string_view name) const {
  auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

}  // namespace scabbard::s3
