// The executable `scabbard`.
#include <fcntl.h>
#include <sys/resource.h>

#include <csignal>

#include "cli/command_line.hpp"

namespace {

// A file that is opened while one of them is closed would get its number, and what is meant for a person would end
// in it. Opened the wrong way round: whoever uses it still gets EBADF.
void occupy_standard_descriptors() {
  for (int descriptor : {0, 1, 2}) {
    if (::fcntl(descriptor, F_GETFD) < 0) ::open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
  }
}

// Copies hold two descriptors for each object of a batch. The low limit is there for select(), which nothing here uses.
void allow_many_descriptors() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  allow_many_descriptors();
  ::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is an error like others
  return scabbard::cli::run(argc, argv);
}
