// Options of a store: one table declares each once; parsing, the error for an unknown key, `scabbard help
// options` and docs/options.md come from it.
//
// In Meta and sectorstore.json names are CamelCase; lower-case, snake_case and kebab-case spellings are
// taken too. Secrets are never options.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard {

enum class OptionType { kText, kChoice, kSize, kDuration, kCount };

struct OptionSpec {
  std::string_view name;  ///< CamelCase
  OptionType type;
  std::string_view default_value;  ///< empty: none
  std::string_view choices;        ///< of a kChoice, separated by '|'
  std::string_view schemes;        ///< which stores take it: "all", or schemes separated by spaces
  std::string_view help;           ///< one line
};

/// What belongs to the process and not to a store: set by environment.
struct ProcessSetting {
  std::string_view variable;
  std::string_view default_value;
  std::string_view help;
};

std::span<const ProcessSetting> process_settings();

/// Every option there is.
std::span<const OptionSpec> option_table();

/// `meta` with every known option under its name in the table; kInvalidArgument where one is given twice, in
/// two spellings. Unknown ones stay for parse() to refuse.
Result<std::map<std::string, std::string>> with_canonical_names(const std::map<std::string, std::string>& meta);

/// What of `meta` a store of `scheme` takes but for `Url`; each of the others is handed to `refuse`, with why.
std::map<std::string, std::string> valid_options(std::string_view scheme,
                                                 const std::map<std::string, std::string>& meta,
                                                 const std::function<void(const Error&)>& refuse);

/// The checked options of one store.
class Options {
 public:
  /// Takes `meta` for a store of `scheme`. kInvalidArgument names the key, what is wrong with it and, for
  /// an unknown one, the nearest known; values are not repeated, they could be misplaced secrets.
  static Result<Options> parse(std::string_view scheme, const std::map<std::string, std::string>& meta);

  /// The value given, else the default. `name` must be in the table, of that type, for this scheme.
  std::string text(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;  ///< bytes
  unsigned count(std::string_view name) const;
  std::chrono::nanoseconds duration(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// "4096", "64KiB", "1.5 GiB", "2TB": bytes. Decimal units are powers of 1000, binary of 1024.
Result<std::uint64_t> parse_size(std::string_view text);
/// "250ms", "30s", "2m", "1h30m".
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The table as text for a terminal, or as the Markdown page docs/options.md.
std::string describe_options();
std::string options_page();

}  // namespace scabbard
