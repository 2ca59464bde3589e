#include "base/options.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace scabbard {
namespace {

constexpr std::array kTable = {
    OptionSpec{.name = "Url",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "all",
               .help = "Where the objects are, such as file:///data; without it they lie in the store folder itself."},
    OptionSpec{.name = "Timeout",
               .type = OptionType::kDuration,
               .default_value = "2m",
               .choices = "",
               .schemes = "all",
               .help = "How long one call to the storage may go unanswered before the store counts as unavailable."},
    OptionSpec{.name = "Guard",
               .type = OptionType::kChoice,
               .default_value = "auto",
               .choices = "auto|always|never",
               .schemes = "file",
               .help = "Whether file calls run on threads that may be given up when they hang: auto guards all but "
                       "local filesystems."},
};

constexpr std::array kProcessSettings = {
    ProcessSetting{"SCABBARD_MEMORY", "256MiB", "Ceiling for buffers of data in flight, at least 16MiB."},
    ProcessSetting{"SCABBARD_LOG", "warn",
                   "Level (trace, debug, info, warn, error, off), then `,json` for JSON lines."},
    ProcessSetting{"SCABBARD_CONFIG", "-", "File with `[[store]]` entries for stores that are named by URL."},
};

// "part_size", "part-size", "partsize" and "PartSize" are one option.
std::string folded(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c != '_' && c != '-') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

bool takes(const OptionSpec& spec, std::string_view scheme) {
  if (spec.schemes == "all") return true;
  std::string_view rest = spec.schemes;
  while (!rest.empty()) {
    auto space = rest.find(' ');
    if (rest.substr(0, space) == scheme) return true;
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  }
  return false;
}

const OptionSpec* find(std::string_view name) {
  std::string wanted = folded(name);
  auto spec = std::ranges::find_if(kTable, [&](const OptionSpec& known) { return folded(known.name) == wanted; });
  return spec == kTable.end() ? nullptr : &*spec;
}

std::string unknown_option(std::string_view name, std::string_view scheme) {
  std::vector<std::string_view> known;
  for (const OptionSpec& spec : kTable) {
    if (takes(spec, scheme)) known.push_back(spec.name);
  }
  std::string_view near = nearest(name, known);
  std::string hint = near.empty() ? "see `scabbard help options`" : fmt::format("did you mean {}?", near);
  return fmt::format("option {}: not known for {} stores; {}", quote(redacted(name)), scheme, hint);
}

bool is_one_of(std::string_view value, std::string_view choices) {
  while (true) {
    auto bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

Result<void> check_value(const OptionSpec& spec, std::string_view value) {
  auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("option {}: {}", spec.name, why));
  };
  switch (spec.type) {
    case OptionType::kText:
      if (value.empty()) return wrong("is empty");
      break;
    case OptionType::kChoice:
      if (!is_one_of(value, spec.choices)) return wrong(fmt::format("must be one of {}", spec.choices));
      break;
    case OptionType::kSize:
      if (auto size = parse_size(value); !size) return wrong(size.error().message);
      break;
    case OptionType::kDuration:
      if (auto duration = parse_duration(value); !duration) return wrong(duration.error().message);
      break;
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

struct Unit {
  std::string_view name;
  double factor;
};

// A decimal number and a unit from the front of `text`, in units of the table. Nothing where it begins
// with something else.
std::optional<double> take_quantity(std::string_view& text, std::span<const Unit> units) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;  // not NaN either
  text = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  std::size_t letters = 0;
  while (letters < text.size() && std::isalpha(static_cast<unsigned char>(text[letters])) != 0) ++letters;
  std::string unit(text.substr(0, letters));
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto known = std::ranges::find(units, unit, &Unit::name);
  if (known == units.end()) return std::nullopt;
  text = trimmed(text.substr(letters));
  return number * known->factor;
}

// A value that is not what it should be is not repeated: it could be a misplaced secret.
constexpr std::string_view kSizeForm = "must be a size in bytes, such as 65536, 64KiB or 16MiB";
constexpr std::string_view kDurationForm = "must be a duration, such as 250ms, 30s or 2m";

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::kText:
      return "text";
    case OptionType::kChoice:
      return "choice";
    case OptionType::kSize:
      return "size";
    case OptionType::kDuration:
      return "duration";
  }
  return "";
}

std::string or_dash(std::string_view text) { return text.empty() ? "-" : std::string(text); }

std::string type_and_choices(const OptionSpec& spec, std::string_view bar) {
  if (spec.choices.empty()) return std::string(type_name(spec.type));
  std::string choices;
  for (char c : spec.choices) choices += c == '|' ? std::string(bar) : std::string(1, c);
  return choices;
}

}  // namespace

std::span<const OptionSpec> option_table() { return kTable; }

std::span<const ProcessSetting> process_settings() { return kProcessSettings; }

Result<std::map<std::string, std::string>> with_canonical_names(const std::map<std::string, std::string>& meta) {
  std::map<std::string, std::string> canonical;
  for (const auto& [key, value] : meta) {
    const OptionSpec* spec = find(key);
    if (!canonical.emplace(spec == nullptr ? key : spec->name, value).second) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("option {}: given twice, in two spellings", spec->name));
    }
  }
  return canonical;
}

std::map<std::string, std::string> valid_options(std::string_view scheme,
                                                 const std::map<std::string, std::string>& meta,
                                                 const std::function<void(const Error&)>& refuse) {
  std::map<std::string, std::string> valid;
  for (const auto& [key, value] : meta) {
    const OptionSpec* spec = find(key);
    if (spec != nullptr && spec->name == "Url") {
      refuse({.code = ErrorCode::kInvalidArgument, .message = "option Url: not for this store", .request_id = {}});
      continue;
    }
    auto attempt = valid;
    attempt.emplace(key, value);
    if (auto parsed = Options::parse(scheme, attempt); !parsed) {
      refuse(parsed.error());
    } else {
      valid = std::move(attempt);
    }
  }
  return valid;
}

Result<Options> Options::parse(std::string_view scheme, const std::map<std::string, std::string>& meta) {
  auto canonical = with_canonical_names(meta);
  if (!canonical) return fail(std::move(canonical).error());
  Options options;
  for (const auto& [key, value] : *canonical) {
    const OptionSpec* spec = find(key);
    if (spec == nullptr || !takes(*spec, scheme)) {
      return fail(ErrorCode::kInvalidArgument, unknown_option(key, scheme));
    }
    std::string_view clean = trimmed(value);
    if (auto valid = check_value(*spec, clean); !valid) return fail(std::move(valid).error());
    options.values_.emplace(spec->name, clean);
  }
  for (const OptionSpec& spec : kTable) {
    if (takes(spec, scheme)) options.values_.emplace(spec.name, spec.default_value);
  }
  return options;
}

std::string Options::text(std::string_view name) const {
  auto value = values_.find(name);
  assert(value != values_.end());
  return value->second;
}

std::uint64_t Options::size(std::string_view name) const { return parse_size(text(name)).value_or(0); }

std::chrono::nanoseconds Options::duration(std::string_view name) const {
  return parse_duration(text(name)).value_or(std::chrono::nanoseconds(0));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array kUnits = {
      Unit{"", 1},         Unit{"b", 1},        Unit{"k", 0x1p10},   Unit{"m", 0x1p20},
      Unit{"g", 0x1p30},   Unit{"t", 0x1p40},   Unit{"kib", 0x1p10}, Unit{"mib", 0x1p20},
      Unit{"gib", 0x1p30}, Unit{"tib", 0x1p40}, Unit{"pib", 0x1p50}, Unit{"kb", 1e3},
      Unit{"mb", 1e6},     Unit{"gb", 1e9},     Unit{"tb", 1e12},    Unit{"pb", 1e15},
  };
  text = trimmed(text);
  auto size = take_quantity(text, kUnits);
  if (!size || !text.empty() || *size > 0x1p62) return fail(ErrorCode::kInvalidArgument, std::string(kSizeForm));
  return static_cast<std::uint64_t>(*size);
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  static constexpr std::array kUnits = {Unit{"ns", 1},   Unit{"us", 1e3},   Unit{"ms", 1e6},   Unit{"s", 1e9},
                                        Unit{"m", 60e9}, Unit{"h", 3600e9}, Unit{"d", 86400e9}};
  text = trimmed(text);
  double total = 0;
  bool valid = !text.empty();
  while (valid && !text.empty()) {
    auto part = take_quantity(text, kUnits);
    valid = part.has_value();
    total += part.value_or(0);
  }
  // Beyond a century a duration is a mistake, and near 2^63 ns arithmetic with it would overflow.
  if (!valid || total <= 0 || total > 36525 * 86400e9)
    return fail(ErrorCode::kInvalidArgument, std::string(kDurationForm));
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

std::string describe_options() {
  std::string out = "Options of a store (Meta in damocles' configuration and in sectorstore.json):\n";
  for (const OptionSpec& spec : kTable) {
    out += fmt::format("\n  {}\n      {}\n      {}; default {}; stores: {}\n", spec.name, spec.help,
                       type_and_choices(spec, "|"), or_dash(spec.default_value), spec.schemes);
  }
  out += "\nSet for the whole process, by environment:\n";
  for (const ProcessSetting& setting : kProcessSettings) {
    out += fmt::format("\n  {}\n      {}\n      default {}\n", setting.variable, setting.help, setting.default_value);
  }
  return out;
}

std::string options_page() {
  std::string out =
      "# Options of a store\n\n"
      "<!-- Generated by `scabbard help options --markdown`; a test keeps it current. -->\n\n"
      "They are given in `Meta`, in damocles' configuration or in `sectorstore.json`. Names are shown in\n"
      "CamelCase; lower-case, snake_case and kebab-case spellings mean the same. Unknown ones are refused;\n"
      "plugin-fsstore ignores them, and `Url`, with a warning.\n"
      "Sizes are bytes or take a unit (`64KiB`, `16MiB`); durations take a unit (`250ms`, `30s`, `2m`).\n"
      "Secrets are never options.\n\n"
      "| option | type | default | stores | meaning |\n"
      "| --- | --- | --- | --- | --- |\n";
  for (const OptionSpec& spec : kTable) {
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", spec.name, type_and_choices(spec, ", "),
                       or_dash(spec.default_value), spec.schemes, spec.help);
  }
  out += "\nSet for the whole process, by environment:\n\n| variable | default | meaning |\n| --- | --- | --- |\n";
  for (const ProcessSetting& setting : kProcessSettings) {
    out += fmt::format("| `{}` | {} | {} |\n", setting.variable, setting.default_value, setting.help);
  }
  return out;
}

}  // namespace scabbard
