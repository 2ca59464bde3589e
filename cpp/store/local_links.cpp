#include "store/local_links.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>

#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "store/posix/durable_file.hpp"
#include "store/posix/file_calls.hpp"
#include "store/posix/file_errors.hpp"

namespace scabbard {
namespace {

namespace fs = std::filesystem;

// By names as they stand, and by what they lead to.
bool leads_into(const fs::path& path, const fs::path& folder) {
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

// What is not in its place yet, of one path: hidden, and found again by whoever comes after one that died.
fs::path temporary_of(const fs::path& path, std::string_view what) {
  const std::string name = path.filename().string();
  const std::uint32_t hash = crc32c(std::as_bytes(std::span(name)));
  return path.parent_path() / fmt::format("{}{}-{:08x}", posix::temporary_prefix_of_host(), what, hash);
}

std::unexpected<Error> failed(const std::string& path, std::string_view step, int error) {
  return fail(posix::file_error(error, posix::Access::kWrite, quote(path), step));
}

std::unexpected<Error> failed(const std::string& path, std::string_view step, const std::error_code& why) {
  return failed(path, step, why.value());
}

// Puts `temporary` into the place of the folder `path`, and that into the place of `temporary`. -errno.
int swap_places(const fs::path& temporary, const fs::path& path) {
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) return 0;
  const bool is_unknown = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
  if (!is_unknown) return -errno;
  // Not at once, where the filesystem cannot: put back if the second step fails.
  const fs::path aside = temporary_of(path, "aside");
  if (::rename(path.c_str(), aside.c_str()) != 0) return -errno;
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::rename(aside.c_str(), path.c_str());
    return -error;
  }
  return ::rename(aside.c_str(), temporary.c_str()) == 0 ? 0 : -errno;
}

}  // namespace

bool is_link_somewhere(const std::string& path) {
  std::error_code failed;
  return fs::is_symlink(path, failed) && fs::exists(path, failed);
}

bool is_folder(const std::string& path) {
  std::error_code failed;
  return fs::is_directory(fs::symlink_status(path, failed));
}

Result<void> remove_other(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, "remove it", errno);
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

bool contain_each_other(const std::string& a, const std::string& b) { return leads_into(a, b) || leads_into(b, a); }

Result<void> replace_by_link(const std::string& target, const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code why;
  fs::create_directories(folder, why);
  if (why) return failed(path, "make its folder", why);
  const fs::path temporary = temporary_of(path, "link");
  for (const fs::path& left : {temporary, temporary_of(path, "aside")}) {
    fs::remove_all(left, why);
    if (why) return failed(left.string(), "remove what a process that died has left", why);
  }
  if (::symlink(target.c_str(), temporary.c_str()) != 0) return failed(path, "make the link", errno);
  const bool was_folder = is_folder(path);
  int result = was_folder ? swap_places(temporary, path) : ::rename(temporary.c_str(), path.c_str()) == 0 ? 0 : -errno;
  if (result == 0) result = posix::sync_folder(posix::kernel_calls(), folder.string());
  if (result < 0) {
    fs::remove(temporary, why);
    return failed(path, "put the link into its place", result);
  }
  // The folder that was there.
  if (was_folder) fs::remove_all(temporary, why);
  if (why) return failed(temporary.string(), "remove the folder that was there", why);
  return {};
}

}  // namespace scabbard
