/// @file
/// Every operation that can fail returns a Result; scabbard throws nothing.
///
/// An Error says what went wrong in one impersonal line that names the operation, the store and the
/// object, carries a code to branch on, and tells whether trying again can help. Values of this header
/// may be copied between threads; a single value is not synchronised.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "scabbard/api.hpp"

namespace scabbard {

/// What kind of failure it was. The numbers are those of the C interface (SCB_* in scabbard.h) and
/// never change.
enum class ErrorCode : std::int32_t {
  kNotFound = 1,           ///< The object, or the store's own folder, does not exist.
  kAlreadyExists = 2,      ///< An exclusive create met an object of that name.
  kInvalidArgument = 3,    ///< A malformed option, configuration or parameter.
  kInvalidPath = 4,        ///< The object name is malformed or leaves the store.
  kNotRegularFile = 5,     ///< Something other than a regular file has that name.
  kReadOnly = 6,           ///< The store, or the filesystem below it, refuses writes.
  kPermissionDenied = 7,   ///< The operating system or the server denies access.
  kNoSpace = 8,            ///< Disk, quota or capacity is used up.
  kCancelled = 9,          ///< The caller cancelled.
  kDeadlineExceeded = 10,  ///< The caller's deadline passed.
  kUnavailable = 11,       ///< The store does not answer.
  kChanged = 12,           ///< The object, or the source, changed while it was being read.
  kCorrupt = 13,           ///< The bytes are not those that were written.
  kUnsupported = 14,       ///< This backend, or this pair of stores, cannot do that.
  kClosed = 15,            ///< The handle, store or library has been shut down.
  kIo = 16,                ///< An input/output error of the device or connection.
  kInternal = 17,          ///< A defect in scabbard, or memory is exhausted.
};

/// The code's name as it appears in logs and in the C interface, such as "not found".
SCABBARD_API std::string_view to_string(ErrorCode code) noexcept;

/// One failure. A plain value; `message` never holds a secret.
struct Error {
  ErrorCode code = ErrorCode::kInternal;  ///< What to branch on.
  std::string message;                    ///< One line, for people.
  /// Whether the same call may succeed later without anybody changing anything.
  bool retryable = false;
  /// errno of the failed system call, 0 where there was none.
  int system_error = 0;
  /// The server's id of the failed request, empty where there is none.
  std::string request_id;
};

/// What a call that can fail returns: a value, or why there is none.
template <class T = void>
using Result = std::expected<T, Error>;

/// The failing branch: `return fail(ErrorCode::kInvalidPath, "...")`. What is unavailable is worth trying again.
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{
      .code = code, .message = std::move(message), .retryable = code == ErrorCode::kUnavailable, .request_id = {}});
}
/// The failing branch of an error that is there already.
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace scabbard
