// What the executable ends with: one table for the code, `scabbard help exit-status` and the manual page.
#pragma once

#include <span>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard::cli {

enum class ExitStatus {
  kOk = 0,
  kOther = 1,
  kUsage = 2,
  kStoreNotFound = 3,
  kObjectNotFound = 4,
  kTemporary = 5,
  kConfiguration = 7,
  kInterrupted = 130,
};

struct ExitStatusEntry {
  ExitStatus status;
  std::string_view meaning;
};

/// Every status there is.
std::span<const ExitStatusEntry> exit_status_table();

/// That for the failure of a call on an object.
ExitStatus exit_status_of(const Error& error);
/// Likewise of finding or opening a store: what is missing is the store, and what this build does not support has to
/// be configured otherwise.
ExitStatus exit_status_of_opening(const Error& error);

}  // namespace scabbard::cli
