// A program of build/servers that runs beside the tests.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace scabbard {

/// Where scripts/servers has put it.
std::string server_path(std::string_view name);

/// One that nobody listens on, on loopback. Below the ports that the kernel gives to outgoing connections: a restarted
/// server finds it free again.
std::uint16_t free_port();

/// Dies with this thread, even where the test is killed. What it says is added to `log`.
pid_t spawn_mortal(const std::vector<std::string>& program, const std::vector<std::string>& environment,
                   const std::filesystem::path& log);

/// Ends it in order, and after some seconds by force; sets `process` to -1.
void end_server(pid_t& process);

/// The end of a log, for messages.
std::string end_of_log(const std::filesystem::path& log);

}  // namespace scabbard
