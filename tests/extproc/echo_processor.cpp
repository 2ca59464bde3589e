// An ext-processor for tests, as the executable's own are but for what it does: it answers, fails and waits as the task
// says.
//
//   echo_processor CONCURRENCY [PATIENCE]     in milliseconds
//
//   {"echo": x}     answers x
//   {"fail": text}  an error
//   {"throw": text} an exception
//   {"wait": fifo}  once somebody has opened the fifo to read: waits for the end of its context
//   {"hold": fifo}  waits, whatever its context says, until somebody has opened the fifo to write and closed it
//   {"where": true} which memory policy and control groups it runs with
#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <stdexcept>

#include "base/log.hpp"
#include "cli/interruption.hpp"
#include "extproc/line_server.hpp"
#include "extproc/placement.hpp"

namespace scabbard::extproc {
namespace {

using nlohmann::json;

std::string contents(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Waits for whoever opens the other end.
void open_fifo(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  char byte = 0;
  if (flags == O_RDONLY) std::ignore = ::read(descriptor, &byte, 1);
  ::close(descriptor);
}

Result<json> do_task(const Context& ctx, const json& task) {
  if (task.contains("echo")) return task["echo"];
  if (task.contains("fail")) return fail(ErrorCode::kInternal, task["fail"]);
  if (task.contains("throw")) throw std::runtime_error(task["throw"]);
  if (task.contains("wait")) {
    open_fifo(task["wait"], O_WRONLY);
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    const auto reason = ctx.wait(lock, never, [] { return false; });
    return fail(*reason, "wait: " + std::string(to_string(*reason)));
  }
  if (task.contains("hold")) {
    open_fifo(task["hold"], O_RDONLY);
    return "held";
  }
  if (task.contains("where")) {
    return json{{"numa_maps", contents("/proc/thread-self/numa_maps")},
                {"cgroup", contents("/proc/thread-self/cgroup")},
                {"status", contents("/proc/thread-self/status")}};
  }
  return fail(ErrorCode::kInvalidArgument, "unknown task");
}

Error serve(int argc, char** argv) {
  place_as_environment_says();
  const cli::Interruption interruption;
  LineServerOptions options = {.stage = "echo", .concurrency = static_cast<unsigned>(std::atoi(argv[1]))};
  if (argc > 2) options.patience = std::chrono::milliseconds(std::atoi(argv[2]));
  Error why = serve_lines(interruption.context(), options, do_task);
  interruption.die_if_interrupted();
  return why;
}

}  // namespace
}  // namespace scabbard::extproc

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const scabbard::Error why = scabbard::extproc::serve(argc, argv);
  scabbard::log::warn("{}", why.message);
  std::_Exit(1);  // threads may be left behind
}
