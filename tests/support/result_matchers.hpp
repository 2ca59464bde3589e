// Results in expectations:
//
//   EXPECT_THAT(store.stat(ctx, "missing"), FailsWith(ErrorCode::kNotFound));
//   EXPECT_THAT(store.remove(ctx, "a"), Succeeds());
//   auto info = value_of(store.stat(ctx, "a"));   // ends the test where it failed
#pragma once

#include <gmock/gmock.h>

#include <ostream>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "scabbard/error.hpp"
#include "support/secrets.hpp"

namespace scabbard {

inline std::string describe(const Error& error) { return std::string(to_string(error.code)) + ": " + error.message; }

inline void PrintTo(const ErrorCode& code, std::ostream* out) { *out << to_string(code); }
inline void PrintTo(const Error& error, std::ostream* out) { *out << describe(error); }

template <class T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  *out << (result ? std::string("a success") : describe(result.error()));
}

MATCHER(Succeeds, negation ? "is an error" : "is a success") {
  if (!arg) *result_listener << "which is " << describe(arg.error());
  return arg.has_value();
}

/// Fails, with a message without secrets.
MATCHER_P(FailsWith, code, (negation ? "does not fail with " : "fails with ") + std::string(to_string(code))) {
  if (arg) return false;
  *result_listener << "which is " << describe(arg.error());
  return arg.error().code == code && !shows_secret(arg.error().message);
}

/// Likewise, with `part` in its message.
MATCHER_P2(FailsSaying, code, part,
           (negation ? "does not fail with " : "fails with ") + std::string(to_string(code)) + " saying \"" + part +
               "\"") {
  if (arg) return false;
  *result_listener << "which is " << describe(arg.error());
  return arg.error().code == code && arg.error().message.find(part) != std::string::npos &&
         !shows_secret(arg.error().message);
}

/// A success whose value matches.
MATCHER_P(Gives, matcher,
          "is a success whose value " +
              ::testing::DescribeMatcher<typename std::remove_cvref_t<arg_type>::value_type>(matcher, negation)) {
  if (!arg) {
    *result_listener << "which is " << describe(arg.error());
    return false;
  }
  return ::testing::ExplainMatchResult(matcher, *arg, result_listener);
}

/// What value_of() throws: googletest reports it as a failure of the test.
struct UnexpectedFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The value of a result that must be a success. On the test's own thread only: it throws.
template <class T>
T value_of(Result<T> result, std::source_location where = std::source_location::current()) {
  if (!result) {
    throw UnexpectedFailure(std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " +
                            describe(result.error()));
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace scabbard
