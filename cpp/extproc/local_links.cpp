#include "extproc/local_links.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"
#include "store/object_name.hpp"

namespace scabbard::extproc {
namespace {

namespace fs = std::filesystem;

// By names as they stand, and by what they lead to.
bool lies_in(const fs::path& path, const fs::path& folder) {
  std::error_code failed;
  const fs::path parent = fs::weakly_canonical(path.parent_path(), failed);
  for (fs::path above = parent; !failed; above = above.parent_path()) {
    std::error_code unknown;
    if (fs::equivalent(above, folder, unknown) && !unknown) return true;
    if (above == above.root_path()) break;
  }
  for (fs::path above = path.parent_path();; above = above.parent_path()) {
    if (above == folder) return true;
    if (above == above.root_path()) return false;
  }
}

std::string unused_name() {
  static std::atomic<unsigned> count = 0;
  return fmt::format("{}link-{}-{}", kTemporaryPrefix, ::getpid(), ++count);
}

std::unexpected<Error> failed(const std::string& path, std::string_view step, const std::error_code& why) {
  return fail(ErrorCode::kIo, fmt::format("{}: {}: {}", quote(path), step, why.message()));
}

}  // namespace

bool is_link_somewhere(const std::string& path) {
  std::error_code failed;
  return fs::is_symlink(path, failed) && fs::exists(path, failed);
}

Result<void> remove_link(const std::string& path) {
  std::error_code why;
  if (!fs::remove(path, why) && why) return failed(path, "remove the link", why);
  return {};
}

bool is_same_name(const std::string& a, const std::string& b) {
  const fs::path first(a);
  const fs::path second(b);
  if (first.filename() != second.filename()) return false;
  std::error_code failed;
  return first.parent_path() == second.parent_path() ||
         (fs::equivalent(first.parent_path(), second.parent_path(), failed) && !failed);
}

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code failed;
  return fs::equivalent(a, b, failed) && !failed;
}

bool contain_each_other(const std::string& a, const std::string& b) { return lies_in(a, b) || lies_in(b, a); }

Result<void> replace_by_link(const std::string& target, const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code why;
  fs::create_directories(folder, why);
  if (why) return failed(path, "make its folder", why);
  // A link is made beside it and renamed into its place. A folder has to go aside before; it is removed last.
  const fs::path temporary = folder / unused_name();
  fs::create_symlink(target, temporary, why);
  if (why) return failed(path, "make the link", why);
  const fs::path aside = folder / unused_name();
  const bool is_folder = fs::is_directory(fs::symlink_status(path, why));
  if (is_folder) fs::rename(path, aside, why);
  if (!is_folder || !why) fs::rename(temporary, path, why);
  if (why) {
    const std::error_code cause = why;
    fs::remove(temporary, why);
    return failed(path, "put the link into its place", cause);
  }
  if (is_folder) fs::remove_all(aside, why);
  if (why) return failed(aside.string(), "remove the folder that was there", why);
  return {};
}

}  // namespace scabbard::extproc
