#include "support/server_program.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <sstream>

#include "support/child_process.hpp"

namespace scabbard {
namespace {

constexpr std::chrono::seconds kEndLimit{5};
constexpr std::size_t kLogShown = 2000;  // bytes

}  // namespace

std::string server_path(std::string_view name) { return std::string(SCABBARD_SERVERS "/") + std::string(name); }

std::uint16_t free_port() {
  std::random_device random;
  for (;;) {
    const auto port = static_cast<std::uint16_t>(20'000 + random() % 12'000);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_free = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    if (is_free) return port;
  }
}

// setpriv asks the kernel for the death with this thread, and becomes the program.
pid_t spawn_mortal(const std::vector<std::string>& program, const std::vector<std::string>& environment,
                   const std::filesystem::path& log) {
  std::vector<std::string> command = {"/usr/bin/setpriv", "--pdeathsig", "KILL", "--"};
  command.insert(command.end(), program.begin(), program.end());
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t process =
      spawn(std::move(command), {.environment = environment, .input = input, .output = output, .error = output});
  ::close(input);
  ::close(output);
  return process;
}

void end_server(pid_t& process) {
  if (process <= 0) return;
  ::kill(process, SIGTERM);
  ::kill(process, SIGCONT);
  if (!ends_within(process, kEndLimit)) ::kill(process, SIGKILL);
  wait_for(process);
  process = -1;
}

std::string end_of_log(const std::filesystem::path& log) {
  std::ifstream in(log);
  std::ostringstream text;
  text << in.rdbuf();
  const std::string all = text.str();
  return all.substr(all.size() - std::min(all.size(), kLogShown));
}

}  // namespace scabbard
