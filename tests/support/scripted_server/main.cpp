// The scripted server as a program of its own, for measuring:
//
//   scripted_server [--port N] [--delay MILLISECONDS] [--discard] [--object KEY=BYTES]...
//
// Prints its URL once it listens, and serves until its standard input ends: so it dies with its parent. Then it
// prints what it has seen, as one line of JSON. The bucket is called "bucket". With --discard the bytes of
// uploads are counted and thrown away. A '*' in a KEY stands for anything.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "support/byte_patterns.hpp"
#include "support/scripted_server/scripted_server.hpp"

namespace scabbard::scripted {
namespace {

// A prime, so that a wrong offset shows.
constexpr std::size_t kPatternSize = 1'048'573;

struct CommandLine {
  Settings settings;
  std::vector<std::pair<std::string, std::uint64_t>> objects;
};

std::uint64_t number_or_zero(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<CommandLine> parse(std::span<char*> arguments) {
  CommandLine line;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--discard") {
      line.settings.s3.discard = true;
      continue;
    }
    if (++i == arguments.size()) return std::nullopt;
    const std::string_view value = arguments[i];
    if (name == "--port") {
      line.settings.port = static_cast<std::uint16_t>(number_or_zero(value));
    } else if (name == "--delay") {
      line.settings.delay = std::chrono::milliseconds(number_or_zero(value));
    } else if (name == "--object" && value.find('=') != std::string_view::npos) {
      const std::size_t equals = value.rfind('=');
      line.objects.emplace_back(value.substr(0, equals), number_or_zero(value.substr(equals + 1)));
    } else {
      return std::nullopt;
    }
  }
  return line;
}

void wait_for_end_of_input() {
  std::array<char, 256> ignored{};
  while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
  }
}

void print_seen(ScriptedServer& server) {
  const Seen seen = server.seen();
  const MemoryS3::Holding holding = server.s3().holding();
  std::printf("{\"requests\": %llu, \"connections\": %llu, \"parts\": %llu, \"bytes\": %llu, \"objects\": %zu}\n",
              static_cast<unsigned long long>(seen.requests), static_cast<unsigned long long>(seen.connections),
              static_cast<unsigned long long>(holding.parts), static_cast<unsigned long long>(holding.bytes),
              holding.objects);
}

int serve(std::span<char*> arguments) {
  const auto line = parse(arguments);
  if (!line) {
    std::fprintf(stderr,
                 "usage: scripted_server [--port N] [--delay MILLISECONDS] [--discard] [--object KEY=BYTES]...\n");
    return 2;
  }
  ScriptedServer server(line->settings);
  Bytes bytes = pattern_bytes(1, kPatternSize);
  // Provers take 32 of them, wherever they begin, for a number of less than 255 bits.
  for (std::byte& byte : bytes) byte &= std::byte{0x3f};
  const auto pattern = std::make_shared<const std::string>(to_text(bytes));
  for (const auto& [key, size] : line->objects) server.s3().add_object(key, Content{.bytes = pattern, .size = size});
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  wait_for_end_of_input();
  print_seen(server);
  return 0;
}

}  // namespace
}  // namespace scabbard::scripted

int main(int argc, char** argv) { return scabbard::scripted::serve({argv, static_cast<std::size_t>(argc)}); }
