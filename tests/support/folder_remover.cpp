#include "support/folder_remover.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "support/child_process.hpp"
#include "support/server_program.hpp"

namespace scabbard {

// Ctrl-C is for every process of a terminal. What writes to the folder dies at the same time, which takes a moment.
FolderRemover::FolderRemover(const std::filesystem::path& folder) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  alive_ = pipe[1];
  process_ = spawn({"/bin/sh", "-c", "trap '' INT HUP; read -r _; sleep 1; rm -rf \"$0\"", folder},
                   {.folder = "/", .input = pipe[0], .output = Surroundings::kClosed, .error = Surroundings::kClosed});
  ::close(pipe[0]);
}

FolderRemover::~FolderRemover() {
  end_server(process_);
  ::close(alive_);
}

}  // namespace scabbard
