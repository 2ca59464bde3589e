#include "support/temporary_folder.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <system_error>

namespace scabbard {

namespace {

std::filesystem::path parent_for(TemporaryFolder::Where where) {
  const char* memory = "/dev/shm";
  const bool in_memory = where == TemporaryFolder::Where::kMemory && ::access(memory, W_OK) == 0;
  return in_memory ? std::filesystem::path(memory) : std::filesystem::temp_directory_path();
}

}  // namespace

TemporaryFolder::TemporaryFolder(Where where) {
  std::string name = (parent_for(where) / "scabbard-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "cannot make the folder " + name);
  }
  // Without links in it, so that tests may compare paths.
  path_ = std::filesystem::canonical(name);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // what is left is below TMPDIR and named after us
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace scabbard
