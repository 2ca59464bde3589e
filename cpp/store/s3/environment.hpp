// The AWS variables of the process and where its user is at home.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace scabbard::s3 {

/// A copy, taken once: another thread of the host may set variables at any time, and a read meanwhile is a race.
struct Environment {
  std::map<std::string, std::string, std::less<>> variables;
  std::string home;  ///< empty where nobody knows

  static Environment of_process();

  /// Empty where it is not set.
  std::string get(std::string_view name) const;
};

}  // namespace scabbard::s3
