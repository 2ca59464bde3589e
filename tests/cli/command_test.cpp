#include "cli/command_test.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "support/secrets.hpp"

namespace scabbard::cli {
namespace {

namespace fs = std::filesystem;

void close_if_open(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

// A file of no folder, for output: nobody has to read while the child writes.
int memory_file() {
  const int file = ::memfd_create("output", MFD_CLOEXEC);
  if (file < 0) throw std::runtime_error("no file in memory");
  return file;
}

std::string content_of(int file) {
  std::string text(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
  if (::pread(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("cannot read the output");
  }
  return text;
}

std::vector<std::string> command_of(std::vector<std::string> arguments, bool as_nobody) {
  arguments.insert(arguments.begin(), SCABBARD_EXECUTABLE);
  if (as_nobody && is_root()) arguments.insert(arguments.begin(), {"/proc/self/exe", std::string(kAsNobody)});
  return arguments;
}

}  // namespace

Channel Channel::pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  return {ends[0], ends[1]};
}

Channel Channel::terminal() {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  std::array<char, 64> name{};
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
      ::ptsname_r(master, name.data(), name.size()) != 0) {
    throw std::runtime_error("no terminal");
  }
  const int terminal = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios settings{};
  ::tcgetattr(terminal, &settings);
  ::cfmakeraw(&settings);  // '\n' stays as it is
  ::tcsetattr(terminal, TCSANOW, &settings);
  return {master, terminal};
}

Channel::Channel(Channel&& other) noexcept
    : near_(std::exchange(other.near_, -1)), far_(std::exchange(other.far_, -1)) {}

Channel::~Channel() {
  close_near();
  close_far();
}

void Channel::close_near() { close_if_open(near_); }
void Channel::close_far() { close_if_open(far_); }

std::string Channel::read_some() {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(near_, buffer.data(), buffer.size());  // of a terminal that nobody has: EIO
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

std::string Channel::read_rest() {
  close_far();
  std::string text;
  for (std::string more = read_some(); !more.empty(); more = read_some()) text += more;
  return text;
}

Running::Running(std::vector<std::string> arguments, const std::string& folder, const With& with)
    : out_(memory_file()), err_(memory_file()) {
  Channel input = Channel::pipe();
  process_ =
      spawn(command_of(std::move(arguments), with.as_nobody), {.environment = with.environment,
                                                               .folder = folder,
                                                               .input = with.standard_input.value_or(input.near()),
                                                               .output = with.standard_output.value_or(out_),
                                                               .error = with.standard_error.value_or(err_)});
  if (!with.standard_input) input_ = ::fcntl(input.far(), F_DUPFD_CLOEXEC, 0);
}

Running::Running(Running&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      input_(std::exchange(other.input_, -1)),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)) {}

Running::~Running() {
  close_if_open(input_);
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    wait_for(process_);
  }
  close_if_open(out_);
  close_if_open(err_);
}

void Running::feed(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(input_, text.data(), text.size());
    if (count <= 0) return;  // it has ended; its status tells why
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Running::interrupt_by(int signal) {
  ::kill(process_, signal);
  while (has_pending(signal)) std::this_thread::yield();
}

bool Running::has_pending(int signal) const {
  std::ifstream status("/proc/" + std::to_string(process_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("ShdPnd:")) continue;
    return ((std::stoull(line.substr(7), nullptr, 16) >> (signal - 1)) & 1) != 0;
  }
  return false;
}

Outcome Running::wait() {
  close_if_open(input_);
  const ChildEnd end = wait_for(std::exchange(process_, -1));
  Outcome outcome = {
      .status = end.signal != 0 ? 128 + end.signal : end.exit_code, .out = content_of(out_), .err = content_of(err_)};
  EXPECT_FALSE(shows_secret(outcome.out) || shows_secret(outcome.err)) << ::testing::PrintToString(outcome);
  return outcome;
}

CommandTest::CommandTest() { fs::permissions(folder_.path(), fs::perms(0755)); }

Running CommandTest::start(const std::vector<std::string>& arguments, const With& with) const {
  return {arguments, folder_.string(), with};
}

Outcome CommandTest::run(const std::vector<std::string>& arguments, const With& with) const {
  Running running = start(arguments, with);
  running.feed(with.input);
  return running.wait();
}

std::string CommandTest::out_of(const std::vector<std::string>& arguments, const With& with) const {
  Outcome outcome = run(arguments, with);
  EXPECT_THAT(outcome, Succeeds());
  return std::move(outcome.out);
}

std::vector<nlohmann::json> CommandTest::json_of(const std::vector<std::string>& arguments) const {
  return json_lines(out_of(arguments));
}

void CommandTest::init(const std::string& folder) const { EXPECT_THAT(run({"init", folder, "--quiet"}), Succeeds()); }

void CommandTest::write(std::string_view name, std::string_view text) const {
  const fs::path file = folder_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string CommandTest::read(std::string_view name) const {
  std::ostringstream text;
  text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
  return text.str();
}

bool CommandTest::exists(std::string_view name) const { return fs::exists(fs::symlink_status(folder_ / name)); }

void CommandTest::make_folder(std::string_view name) const { fs::create_directories(folder_ / name); }

std::set<std::string> CommandTest::files_below(std::string_view folder) const {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / folder)) {
    if (!entry.is_directory() || entry.is_symlink())
      names.insert(entry.path().lexically_relative(folder_ / folder).string());
  }
  return names;
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::vector<std::string> keys_of(const nlohmann::json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

}  // namespace scabbard::cli
