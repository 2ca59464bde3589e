#include "cli/exit_status.hpp"

#include <array>

namespace scabbard::cli {
namespace {

constexpr std::array kTable = {
    ExitStatusEntry{ExitStatus::kOk, "Done."},
    ExitStatusEntry{ExitStatus::kOther, "Failed for a reason that is not below; the message says which."},
    ExitStatusEntry{ExitStatus::kUsage, "The command line is wrong, or a name in it is."},
    ExitStatusEntry{ExitStatus::kStoreNotFound, "The store or the folder does not exist."},
    ExitStatusEntry{ExitStatus::kObjectNotFound, "The object does not exist."},
    ExitStatusEntry{ExitStatus::kTemporary, "Failed for now: the same command may succeed later."},
    ExitStatusEntry{ExitStatus::kConfiguration,
                    "A configuration, permissions or credentials do not allow it: change those first."},
    ExitStatusEntry{ExitStatus::kInterrupted,
                    "Interrupted (SIGINT), after cleaning up; other signals likewise with 128 and their number."},
};

}  // namespace

std::span<const ExitStatusEntry> exit_status_table() { return kTable; }

ExitStatus exit_status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return ExitStatus::kObjectNotFound;
    case ErrorCode::kInvalidPath:
      return ExitStatus::kUsage;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kReadOnly:
    case ErrorCode::kPermissionDenied:
      return ExitStatus::kConfiguration;
    case ErrorCode::kUnavailable:
      return error.retryable ? ExitStatus::kTemporary : ExitStatus::kConfiguration;
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kChanged:
      return ExitStatus::kTemporary;
    case ErrorCode::kCancelled:
      return ExitStatus::kInterrupted;
    default:
      return error.retryable ? ExitStatus::kTemporary : ExitStatus::kOther;
  }
}

ExitStatus exit_status_of_opening(const Error& error) {
  if (error.code == ErrorCode::kNotFound) return ExitStatus::kStoreNotFound;
  if (error.code == ErrorCode::kUnsupported) return ExitStatus::kConfiguration;
  return exit_status_of(error);
}

}  // namespace scabbard::cli
