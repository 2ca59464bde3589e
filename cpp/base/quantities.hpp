// Sizes, numbers, durations and times as people read them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace scabbard {

/// "0 B", "1023 B", "1.0 KiB", "34.2 GiB".
std::string human_size(std::uint64_t bytes);

/// "1 sector", "2 sectors".
std::string counted(std::size_t count, std::string_view noun);

/// To the second: "0:07", "12:34", "3:04:05". Hours may go beyond a day.
std::string human_duration(std::chrono::seconds duration);

/// "2026-11-25T08:00:00Z".
std::string utc_time(std::chrono::system_clock::time_point time);

}  // namespace scabbard
