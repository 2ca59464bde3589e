#include "extproc/placement.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/mempolicy.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ranges>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"

namespace scabbard::extproc {
namespace {

// More than any kernel is built for (NODES_SHIFT is at most 10).
constexpr unsigned kNodes = 1024;
constexpr unsigned kBitsOfWord = 8 * sizeof(unsigned long);

std::optional<std::string_view> environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there are no other threads yet
  if (value == nullptr) return std::nullopt;
  return value;
}

std::unexpected<Error> system_failure(std::string_view what, int number) {
  return fail({.code = ErrorCode::kIo,
               .message = fmt::format("{}: {}", what, std::generic_category().message(number)),
               .system_error = number,
               .request_id = {}});
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The files of a control group are there as soon as it is: none is made.
Result<void> write_file(const std::string& path, std::string_view text) {
  int descriptor = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (descriptor < 0) return system_failure("open " + path, errno);
  bool is_written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int error = errno;
  ::close(descriptor);
  if (!is_written) return system_failure(fmt::format("write {} to {}", quote(text), path), error);
  return {};
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return system_failure("make " + path, errno);
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \n") == std::string_view::npos; }

// Version 1 begins a group without processors and memory, and lets nobody in.
Result<void> take_over_from_parent(const std::string& parent, const std::string& group) {
  for (std::string_view file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const std::string path = group + std::string(file);
    if (!is_blank(contents(path))) continue;
    if (auto written = write_file(path, contents(parent + std::string(file))); !written) return written;
  }
  return {};
}

Result<void> make_group(const CpusetMount& mount, const std::string& parent, const std::string& group) {
  // May be so already, and need not be ours to change: if it is needed, the next write fails.
  if (mount.is_unified) std::ignore = write_file(parent + "/cgroup.subtree_control", "+cpuset");
  if (auto made = make_folder(group); !made) return made;
  return mount.is_unified ? Result<void>() : take_over_from_parent(parent, group);
}

// "a/b", in the hierarchy and not above it.
bool is_group_name(std::string_view name) {
  return !name.empty() && std::ranges::none_of(name | std::views::split('/'), [](const auto& part) {
    std::string_view word(part.begin(), part.end());
    return word.empty() || word == "." || word == "..";
  });
}

Result<void> join_cpuset_of_machine(std::string_view group, std::string_view processors) {
  auto mount = find_cpuset_mount(contents("/proc/self/mountinfo"));
  if (!mount) return fail(ErrorCode::kUnsupported, "no control groups for processors are mounted");
  return join_cpuset(*mount, group, processors);
}

void tell(std::string_view what, const Result<void>& result) {
  if (!result) return log::warn("{}: {}", what, printable(result.error().message));
  log::info("{}: done", what);
}

}  // namespace

void place_as_environment_says() {
  if (auto node = environment("VENUS_WORKER_NUMA_PREFERRED")) {
    tell("take memory from the NUMA node of VENUS_WORKER_NUMA_PREFERRED", prefer_numa_node(*node));
  }
  auto group = environment("VC_CG_NAME");
  auto processors = environment("VC_CG_CPUSET");
  if (group && processors) {
    tell("join the control group of VC_CG_NAME and VC_CG_CPUSET", join_cpuset_of_machine(*group, *processors));
  }
}

Result<void> prefer_numa_node(std::string_view text) {
  auto node = whole_number<unsigned>(text);
  if (!node || *node >= kNodes) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is no number of a node", quote(text)));
  }
  std::array<unsigned long, kNodes / kBitsOfWord> nodes = {};
  nodes.at(*node / kBitsOfWord) = 1UL << (*node % kBitsOfWord);
  // The kernel looks at one bit less than it is told of.
  if (::syscall(SYS_set_mempolicy, MPOL_PREFERRED, nodes.data(), kNodes + 1) != 0) {
    return system_failure(fmt::format("set_mempolicy for node {}", *node), errno);
  }
  return {};
}

// "32 31 0:29 / /sys/fs/cgroup/cpuset rw,relatime shared:9 - cgroup cgroup rw,cpuset": mount(5) after the dash.
std::optional<CpusetMount> find_cpuset_mount(std::string_view mountinfo) {
  std::optional<CpusetMount> unified;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 5 || fields.end() - dash < 4) continue;
    if (dash[1] == "cgroup2" && !unified) unified = CpusetMount{.folder = fields[4], .is_unified = true};
    if (dash[1] == "cgroup" && ("," + dash[3] + ",").contains(",cpuset,")) return CpusetMount{.folder = fields[4]};
  }
  return unified;
}

Result<void> join_cpuset(const CpusetMount& mount, std::string_view group, std::string_view processors) {
  if (!is_group_name(group)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is no name of a control group", quote(group)));
  }
  std::string folder = mount.folder;
  for (const auto& part : group | std::views::split('/')) {
    const std::string parent = std::exchange(folder, folder + "/" + std::string(part.begin(), part.end()));
    if (auto made = make_group(mount, parent, folder); !made) return made;
  }
  if (auto written = write_file(folder + "/cpuset.cpus", processors); !written) return written;
  return write_file(folder + "/cgroup.procs", std::to_string(::getpid()));
}

}  // namespace scabbard::extproc
