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

#include "base/numbers.hpp"
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
               .schemes = "file",
               .help = "How long one call to the storage may go unanswered before the store counts as unavailable."},
    // Longer than most outages of a network: an error costs its reader more than the wait.
    OptionSpec{.name = "Timeout",
               .type = OptionType::kDuration,
               .default_value = "5m",
               .choices = "",
               .schemes = "s3",
               .help = "How long calls are tried again while the server does not answer; after that they fail at once "
                       "until it does."},
    OptionSpec{.name = "Guard",
               .type = OptionType::kChoice,
               .default_value = "auto",
               .choices = "auto|always|never",
               .schemes = "file",
               .help = "Whether file calls run on threads that may be given up when they hang: auto guards all but "
                       "local filesystems."},
    OptionSpec{.name = "Endpoint",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "Where the server is (`https://host:9000`), or several of it, separated by commas; "
                       "without it AWS_ENDPOINT_URL_S3, the AWS files, else AWS itself."},
    OptionSpec{.name = "Region",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "The bucket's region; without it AWS_REGION, the AWS files, else what the server "
                       "says."},
    OptionSpec{.name = "AddressingStyle",
               .type = OptionType::kChoice,
               .default_value = "auto",
               .choices = "auto|path|virtual",
               .schemes = "s3",
               .help = "Whether the bucket stands in the path or in the host name: auto is virtual on AWS, "
                       "path elsewhere."},
    OptionSpec{.name = "CaFile",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "File of the authorities that the server's certificate is checked against; without it "
                       "AWS_CA_BUNDLE, else the system's."},
    OptionSpec{.name = "Proxy",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "Proxy to go through (`http://host:3128`); that of the environment is not used."},
    OptionSpec{.name = "MaxConnections",
               .type = OptionType::kCount,
               .default_value = "128",
               .choices = "",
               .schemes = "s3",
               .help = "Requests in flight at a time, for each thread of the engine."},
    OptionSpec{.name = "PartSize",
               .type = OptionType::kSize,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "Size of the parts of large objects; without it 16MiB, or what the length needs "
                       "(32MiB where it is unknown)."},
    OptionSpec{.name = "MergeGap",
               .type = OptionType::kSize,
               .default_value = "4KiB",
               .choices = "",
               .schemes = "s3",
               .help = "Ranges of one object that are no further apart are read with one request."},
    OptionSpec{.name = "PayloadSigning",
               .type = OptionType::kChoice,
               .default_value = "auto",
               .choices = "auto|always|never",
               .schemes = "s3",
               .help = "Whether the SHA-256 of what is written is signed: auto does so without TLS."},
    OptionSpec{.name = "Checksum",
               .type = OptionType::kChoice,
               .default_value = "auto",
               .choices = "auto|none|md5|crc32c|sha256|crc64nvme",
               .schemes = "s3",
               .help = "The checksum that the server is told of what is written, and compares. Reading an object from "
                       "beginning to end, crc32c and crc64nvme are compared again. auto: none, or crc32c where "
                       "AWS_REQUEST_CHECKSUM_CALCULATION is when_supported."},
    OptionSpec{.name = "Hedging",
               .type = OptionType::kChoice,
               .default_value = "auto",
               .choices = "auto|never",
               .schemes = "s3",
               .help = "Whether a small read that is late is asked a second time."},
    OptionSpec{.name = "StorageClass",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "Storage class of new objects; without it the bucket's own."},
    OptionSpec{.name = "Capacity",
               .type = OptionType::kSize,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "How much the store may hold; without it the store is never full."},
    OptionSpec{.name = "UsageRefresh",
               .type = OptionType::kDuration,
               .default_value = "10m",
               .choices = "",
               .schemes = "s3",
               .help = "How often the store is listed to know how much of Capacity is used."},
    OptionSpec{.name = "Profile",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "The profile of the AWS files to take credentials and settings from, before the environment; "
                       "without it AWS_PROFILE, else default."},
    OptionSpec{.name = "CredentialsFile",
               .type = OptionType::kText,
               .default_value = "",
               .choices = "",
               .schemes = "s3",
               .help = "A file like ~/.aws/credentials to take credentials from, before the environment."},
    OptionSpec{.name = "Anonymous",
               .type = OptionType::kChoice,
               .default_value = "false",
               .choices = "false|true",
               .schemes = "s3",
               .help = "Whether requests go unsigned, for what everybody may read."},
};

constexpr std::array kProcessSettings = {
    ProcessSetting{"SCABBARD_MEMORY", "256MiB", "Ceiling for buffers of data in flight, at least 16MiB."},
    ProcessSetting{"SCABBARD_LOG", "warn",
                   "Level (trace, debug, info, warn, error, off), then `,json` for JSON lines."},
    ProcessSetting{"SCABBARD_STATE", "-",
                   "Folder for what has to outlive the process, such as the journal of uploads under way; without it "
                   "XDG_STATE_HOME, else ~/.local/state."},
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

// The option of that name; some are one for each kind of store, with defaults of their own.
const OptionSpec* find(std::string_view name, std::optional<std::string_view> scheme = std::nullopt) {
  std::string wanted = folded(name);
  auto spec = std::ranges::find_if(kTable, [&](const OptionSpec& known) {
    return folded(known.name) == wanted && (!scheme || takes(known, *scheme));
  });
  return spec == kTable.end() ? nullptr : &*spec;
}

bool names_secret(std::string_view name) {
  const std::string with_value = fmt::format("{}=value", name);
  return redacted(with_value) != with_value;
}

std::string unknown_option(std::string_view name, std::string_view scheme) {
  std::vector<std::string_view> known;
  for (const OptionSpec& spec : kTable) {
    if (takes(spec, scheme)) known.push_back(spec.name);
  }
  std::string_view near = nearest(name, known);
  std::string hint = near.empty() ? "see `scabbard help options`" : fmt::format("did you mean {}?", near);
  if (near.empty() && names_secret(name)) hint = "secrets are no options, they come from the environment or a file";
  // No colon after the name: what follows one that names a secret is taken for it.
  return fmt::format("option {} is not known for {} stores; {}", quote(redacted(name)), scheme, hint);
}

bool is_one_of(std::string_view value, std::string_view choices) {
  while (true) {
    auto bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
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
  const std::string unit = lower_case(text.substr(0, letters));
  auto known = std::ranges::find(units, unit, &Unit::name);
  if (known == units.end()) return std::nullopt;
  text = trimmed(text.substr(letters));
  return number * known->factor;
}

// A value that is not what it should be is not repeated: it could be a misplaced secret.
constexpr std::string_view kSizeForm = "must be a size in bytes, such as 65536, 64KiB or 16MiB";
constexpr std::string_view kCountForm = "must be a whole number from 1 to 10000";
constexpr std::string_view kDurationForm = "must be a duration, such as 250ms, 30s or 2m";

Result<unsigned> parse_count(std::string_view text) {
  const unsigned count = whole_number<unsigned>(text).value_or(0);
  if (count == 0 || count > 10'000) return fail(ErrorCode::kInvalidArgument, std::string(kCountForm));
  return count;
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
    case OptionType::kCount:
      if (auto count = parse_count(value); !count) return wrong(count.error().message);
      break;
    case OptionType::kDuration:
      if (auto duration = parse_duration(value); !duration) return wrong(duration.error().message);
      break;
  }
  return {};
}

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
    case OptionType::kCount:
      return "count";
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
    const OptionSpec* spec = find(key, scheme);
    if (spec == nullptr) {
      return fail(ErrorCode::kInvalidArgument, unknown_option(key, scheme));
    }
    std::string clean(trimmed(value));
    if (spec->type == OptionType::kChoice) clean = lower_case(clean);
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

unsigned Options::count(std::string_view name) const { return parse_count(text(name)).value_or(0); }

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
