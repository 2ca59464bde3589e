// The executable `scabbard`.
#include <fcntl.h>
#include <sys/resource.h>

#include <array>

#include "cli/command_line.hpp"

namespace {

// A descriptor of 0 to 2 that is closed would go to the next file opened, and be written to as output. Opened the
// wrong way round, it fails as a closed one does.
void hold_standard_descriptors() {
  constexpr std::array kModes = {O_WRONLY, O_RDONLY, O_RDONLY};
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) < 0) ::open("/dev/null", kModes[static_cast<std::size_t>(descriptor)]);
  }
}

// Copies hold a descriptor for each object of a batch. The low limit is there for select(), which nothing here uses.
void allow_many_descriptors() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  allow_many_descriptors();
  return scabbard::cli::run(argc, argv);
}
