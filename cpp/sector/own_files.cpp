#include "sector/own_files.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"

namespace scabbard::sector {

std::unexpected<Error> file_failed(std::string_view what, const std::string& path, int number) {
  const ErrorCode code = number == ENOSPC || number == EDQUOT  ? ErrorCode::kNoSpace
                         : number == EACCES || number == EPERM ? ErrorCode::kPermissionDenied
                                                               : ErrorCode::kIo;
  return fail(Error{.code = code,
                    .message = fmt::format("{} {}: {}", what, quote(path), std::generic_category().message(number)),
                    .system_error = number,
                    .request_id = {}});
}

bool write_all(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

bool read_all(int descriptor, std::span<std::byte> into, std::uint64_t offset) {
  while (!into.empty()) {
    const ssize_t count = ::pread(descriptor, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

Result<Descriptor> open_private_folder(const std::string& path, std::string_view purpose, bool others_may_add) {
  // A slash at the end would follow a link.
  const std::string folder = path.substr(0, path.find_last_not_of('/') + 1);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), error);
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return file_failed(fmt::format("make the {} folder", purpose), folder, errno);
  }
  // A link in a folder where everybody may write could lead elsewhere later.
  Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!descriptor || ::fstat(descriptor.get(), &status) != 0) {
    return file_failed(fmt::format("open the {} folder", purpose), folder, errno);
  }
  const bool only_adds = others_may_add && (status.st_mode & S_ISVTX) != 0;
  const bool is_shared = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !only_adds;
  if (is_shared || (status.st_uid != ::geteuid() && status.st_uid != 0)) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the {} folder {} belongs to somebody else, or others may write there: `chmod 700` it, "
                            "or name another with --{}",
                            purpose, quote(folder), purpose));
  }
  return descriptor;
}

}  // namespace scabbard::sector
