#include "store/posix/file_errors.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "store/posix/guard.hpp"

namespace scabbard::posix {
namespace {

// Appends why: "No space left on device (ENOSPC)".
void append_reason(std::string& line, int error) {
  switch (-error) {
    case kOutError:
      line += "the filesystem does not answer (ETIMEDOUT)";
      return;
    case kCancelledError:
      line += "cancelled";
      return;
    case kDeadlineError:
      line += "deadline exceeded";
      return;
    case kClosedError:
      line += "the store is closed";
      return;
    default:
      break;
  }
  const char* text = ::strerrordesc_np(error);
  const char* name = ::strerrorname_np(error);
  if (text == nullptr || name == nullptr) {
    line += fmt::format("errno {}", error);
    return;
  }
  line.append(text).append(" (").append(name).append(")");
}

std::string_view hint(int error) {
  switch (error) {
    case ENOTCONN:
      return "; the mount is dead: unmount and mount it again";
    case ESTALE:
      return "; the server no longer knows the file: it was replaced or the export changed";
    case EMFILE:
    case ENFILE:
      return "; raise the limit of open files (ulimit -n, LimitNOFILE=)";
    case EDQUOT:
      return "; the quota is used up";
    case EROFS:
      return "; mounted so, or turned so by the kernel after errors: look at its log";
    case EIO:
      return "; look at the kernel's log and the disk's health";
    default:
      return "";
  }
}

bool may_pass(ErrorCode code, int error) {
  return code == ErrorCode::kUnavailable || error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

}  // namespace

ErrorCode code_of(int error, Access access) noexcept {
  switch (std::abs(error)) {
    case -kCancelledError:
      return ErrorCode::kCancelled;
    case -kDeadlineError:
      return ErrorCode::kDeadlineExceeded;
    case -kClosedError:
      return ErrorCode::kClosed;
    case ENOENT:
      // To a writer: somebody removed the folder under it. Never an object that is missing.
      return access == Access::kRead ? ErrorCode::kNotFound : ErrorCode::kUnavailable;
    case ENOTDIR:
      return access == Access::kRead ? ErrorCode::kNotFound : ErrorCode::kInvalidPath;
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case EISDIR:
      return ErrorCode::kNotRegularFile;
    case ENXIO:
      return ErrorCode::kNotRegularFile;  // open of a FIFO or socket
    case ENAMETOOLONG:
    case ELOOP:
    case EILSEQ:
      return ErrorCode::kInvalidPath;
    case EBADF:
      return ErrorCode::kInvalidArgument;
    case EACCES:
    case EPERM:
      return ErrorCode::kPermissionDenied;
    case EROFS:
      return ErrorCode::kReadOnly;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::kNoSpace;
    case ETIMEDOUT:
    case ENOTCONN:
    case ESTALE:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
      return ErrorCode::kUnavailable;
    case EOPNOTSUPP:
    case ENOSYS:
      return ErrorCode::kUnsupported;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kIo;
  }
}

Error file_error(int error, Access access, std::string_view what, std::string_view step) {
  error = std::abs(error);
  ErrorCode code = code_of(error, access);
  // Appended and not formatted: that an object is missing is an everyday answer, and must be cheap.
  std::string line;
  line.reserve(what.size() + 128);
  line.append(what).append(": ");
  if (!step.empty()) line.append(step).append(": ");
  append_reason(line, error);
  line += hint(error);
  return {.code = code,
          .message = std::move(line),
          .retryable = may_pass(code, error),
          .system_error = error,
          .request_id = {}};
}

}  // namespace scabbard::posix
