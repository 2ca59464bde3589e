// The one place that turns errno into an Error.
#pragma once

#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard::posix {

/// What an errno means for an operation that reads (or removes) an object, or for one that writes it: what is
/// missing, or a file where a folder should be, makes an object "not found" to the one only.
enum class Access { kRead, kWrite };

ErrorCode code_of(int error, Access access) noexcept;

/// The error of a failed call: "<what>: <step>: No space left on device (ENOSPC)" with a hint where one
/// helps. `error` is positive or negative errno.
Error file_error(int error, Access access, std::string_view what, std::string_view step);

}  // namespace scabbard::posix
