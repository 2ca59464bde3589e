#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cctype>
#include <cstdlib>
#include <string>

#include "base/text.hpp"

namespace scabbard::log {
namespace {

constexpr auto kWhole = std::string_view::npos;

// In JSON the text comes from quote(), quotes included.
constexpr auto kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%v})";
constexpr auto kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z scabbard %l: %v";

struct Logger {
  spdlog::logger to;
  bool json;
};

std::string pattern_of(const Logger& logger) { return logger.json ? kJsonPattern : kTextPattern; }

std::atomic<const char*> default_setting = "";

// Lower case, without spaces around.
std::string word(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (std::isspace(c) == 0) out += static_cast<char>(std::tolower(c));
  }
  return out;
}

Logger* make_logger() {
  std::string_view setting = default_setting.load();
  if (const char* value = std::getenv("SCABBARD_LOG")) setting = value;
  bool json = false;
  bool unknown = false;
  if (auto comma = setting.find(','); comma != std::string_view::npos) {
    json = word(setting.substr(comma + 1)) == "json";
    unknown = !json;
    setting = setting.substr(0, comma);
  }
  std::string name = word(setting);
  auto level = name.empty() ? spdlog::level::warn : spdlog::level::from_str(name);
  if (level == spdlog::level::off && name != "off") {
    level = spdlog::level::warn;
    unknown = true;
  }

  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto* logger = new Logger{spdlog::logger("scabbard", std::move(sink)), json};
  logger->to.set_level(level);
  logger->to.set_pattern(pattern_of(*logger));
  logger->to.set_error_handler([](const std::string&) {});  // nowhere left to complain
  if (unknown) {
    std::string complaint =
        "SCABBARD_LOG must be a level (trace, debug, info, warn, error, off), or that and \",json\"";
    logger->to.warn("{}", json ? quote(complaint) : complaint);
  }
  return logger;
}

// Never destroyed: threads of ours may outlive main.
Logger& logger() {
  static auto* instance = make_logger();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kTrace:
      return spdlog::level::trace;
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void set_default(const char* setting) { default_setting = setting; }

void begin_lines_with(std::string_view text) { logger().to.set_pattern(std::string(text) + pattern_of(logger())); }

bool enabled(Level level) noexcept { return logger().to.should_log(to_spdlog(level)); }

void write(Level level, std::string_view line) noexcept {
  try {
    std::string clean = redacted(line);
    logger().to.log(to_spdlog(level), "{}", logger().json ? quote(clean, kWhole) : clean);
  } catch (...) {  // a log line is never worth the caller's work
  }
}

}  // namespace scabbard::log
