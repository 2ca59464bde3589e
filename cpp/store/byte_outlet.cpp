#include "store/byte_outlet.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace scabbard {
namespace {

constexpr int kPollInterval = 50;  // milliseconds
// Larger writes make ext4 take larger pieces of memory for its cache, which are cold: 4 MiB at a time cost three times
// the processor time.
constexpr std::size_t kMostAtOnce = std::size_t{256} << 10;

// The kernel's device number of /dev/null, /dev/zero and their like.
constexpr unsigned kMemoryDevices = 1;

bool is_regular_file(int descriptor) {
  struct stat status;
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

// A device that has nobody at its other end who could leave, or take nothing.
bool is_device_alone(int descriptor) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return false;
  return S_ISBLK(status.st_mode) || (S_ISCHR(status.st_mode) && major(status.st_rdev) == kMemoryDevices);
}

ssize_t write_once(int descriptor, std::span<const std::byte> bytes) {
  ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
  return count < 0 ? -errno : count;
}

// A reader that went away is an error of the call. The signal that comes with it would end a process that
// does not expect it: it is held back, and taken out where the write caused it.
ssize_t write_without_signal(int descriptor, std::span<const std::byte> bytes) {
  sigset_t pipe;
  sigset_t pending;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::sigpending(&pending);
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  ssize_t count = write_once(descriptor, bytes);
  if (count == -EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    constexpr timespec kAtOnce{};
    ::sigtimedwait(&pipe, nullptr, &kAtOnce);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return count;
}

}  // namespace

ByteOutlet::ByteOutlet(int descriptor, std::atomic<std::uint64_t>* progress)
    : descriptor_(descriptor),
      is_regular_(is_regular_file(descriptor)),
      takes_all_(is_regular_ || is_device_alone(descriptor)),
      progress_(progress) {}

bool ByteOutlet::is_open() const { return ::fcntl(descriptor_, F_GETFD) >= 0; }

ssize_t ByteOutlet::write_some(std::span<const std::byte> bytes) {
  ssize_t count = 0;
  if (takes_all_) {
    count = write_once(descriptor_, bytes.first(std::min(bytes.size(), kMostAtOnce)));
  } else {
    // A pipe or socket may take nothing for ever. One that is ready takes PIPE_BUF bytes without waiting.
    pollfd ready = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
    // Also when a signal came: a write now could wait for ever.
    if (::poll(&ready, 1, kPollInterval) <= 0) return 0;
    count = write_without_signal(descriptor_, bytes.first(std::min<std::size_t>(bytes.size(), PIPE_BUF)));
  }
  if (count == -EAGAIN || count == -EINTR) return 0;
  if (count > 0) wrote(static_cast<std::uint64_t>(count));
  return count;
}

void ByteOutlet::wrote(std::uint64_t count) {
  if (progress_ != nullptr) *progress_ += count;
}

}  // namespace scabbard
