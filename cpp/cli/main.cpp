// The executable `scabbard`.
#include <sys/resource.h>

#include "cli/command_line.hpp"

namespace {

// Copies hold a descriptor for each object of a batch. The low limit is there for select(), which nothing here uses.
void allow_many_descriptors() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  allow_many_descriptors();
  return scabbard::cli::run(argc, argv);
}
