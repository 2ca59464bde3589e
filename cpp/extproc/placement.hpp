// Where an ext-processor runs: the environment by which damocles-worker places its children on processors and memory,
// as the children of vc-processors heed it.
//
//   VENUS_WORKER_NUMA_PREFERRED=0       memory comes from this NUMA node, as long as it has some
//   VC_CG_NAME=vc/pc2  VC_CG_CPUSET=0-7 the process joins this control group, which is made, and may run on these
//                                       processors only
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard::extproc {

/// Heeds the environment. What does not work is a warning in the log. To be called before there are other threads: they
/// take the NUMA node from the one that starts them.
void place_as_environment_says();

/// For the calling thread, and those that it starts.
Result<void> prefer_numa_node(std::string_view node);

/// Where control groups of processors are mounted.
struct CpusetMount {
  std::string folder;
  bool is_unified = false;  ///< version 2

  bool operator==(const CpusetMount&) const = default;
};

/// From the text of /proc/self/mountinfo.
std::optional<CpusetMount> find_cpuset_mount(std::string_view mountinfo);

/// Makes the group where it is missing, lets it run on `processors` ("0-3,8") and moves this process there. The group
/// stays: a process cannot remove its own.
Result<void> join_cpuset(const CpusetMount& mount, std::string_view group, std::string_view processors);

}  // namespace scabbard::extproc
