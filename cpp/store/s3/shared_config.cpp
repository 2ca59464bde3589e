#include "store/s3/shared_config.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace scabbard::s3 {
namespace {

constexpr std::string_view kSpaces = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  std::size_t begin = std::min(text.find_first_not_of(kSpaces), text.size());
  std::size_t end = text.find_last_not_of(kSpaces);
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

bool is_comment(std::string_view trimmed_line) {
  return trimmed_line.starts_with('#') || trimmed_line.starts_with(';');
}

std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i) {
    bool mark = value[i] == '#' || value[i] == ';';
    if (mark && (value[i - 1] == ' ' || value[i - 1] == '\t')) return value.substr(0, i);
  }
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), ascii_lower);
  return out;
}

// Reads one file line by line, with Python's configparser as the model, which the CLI uses.
class IniParser {
 public:
  // Why the line cannot be, empty where it can.
  std::string_view take(std::string_view line) {
    std::string_view text = trimmed(line);
    if (text.empty() || is_comment(text)) return {};
    auto indent = static_cast<std::size_t>(text.data() - line.data());
    if (key_ != nullptr && indent > indent_) return take_continuation(trimmed(without_comment(text)));
    indent_ = indent;
    if (text.front() == '[') return take_section(text);
    return take_key(text);
  }

  IniSections sections() && { return std::move(sections_); }

 private:
  struct Assignment {
    std::string key;
    std::string_view value;
  };

  static std::optional<Assignment> assignment(std::string_view text) {
    std::size_t mark = text.find_first_of("=:");
    if (mark == std::string_view::npos) return std::nullopt;
    std::string_view key = trimmed(text.substr(0, mark));
    if (key.empty()) return std::nullopt;
    return Assignment{lower(key), trimmed(without_comment(text.substr(mark + 1)))};
  }

  std::string_view take_section(std::string_view text) {
    std::size_t end = text.find(']');
    std::string_view name = trimmed(text.substr(1, end == std::string_view::npos ? end : end - 1));
    if (end == std::string_view::npos || name.empty()) return "not a section: \"[name]\" is expected";
    section_ = &sections_[std::string(name)];
    key_ = nullptr;
    return {};
  }

  std::string_view take_key(std::string_view text) {
    auto found = assignment(text);
    if (!found) return "neither a section, nor a comment, nor \"key = value\"";
    if (section_ == nullptr) return "a key before the first section";
    nested_ = found->value.empty();
    key_ = &*section_->insert_or_assign(found->key, std::string(found->value)).first;
    return {};
  }

  std::string_view take_continuation(std::string_view text) {
    if (text.empty()) return {};
    if (!nested_) {
      key_->second.append("\n").append(text);
      return {};
    }
    auto found = assignment(text);
    if (!found) return "not \"key = value\", as is expected below a key without value";
    section_->insert_or_assign(key_->first + "." + found->key, std::string(found->value));
    return {};
  }

  IniSections sections_;
  IniKeys* section_ = nullptr;
  IniKeys::value_type* key_ = nullptr;  // the last one of the section
  bool nested_ = false;                 // it has no value: what is further in are keys
  std::size_t indent_ = 0;
};

// "profile" out of `profile "my profile"` gives "my profile".
std::optional<std::string> name_after(std::string_view kind, std::string_view section) {
  if (!section.starts_with(kind) || section.size() == kind.size()) return std::nullopt;
  std::string_view name = section.substr(kind.size());
  if (kSpaces.find(name.front()) == std::string_view::npos) return std::nullopt;
  name = trimmed(name);
  bool quoted = name.size() >= 2 && name.front() == name.back() && (name.front() == '"' || name.front() == '\'');
  return std::string(quoted ? name.substr(1, name.size() - 2) : name);
}

void merge(const IniKeys& from, IniKeys& into) {
  for (const auto& [key, value] : from) into.insert_or_assign(key, value);
}

std::string in_home(const Environment& environment, std::string_view path) {
  return environment.home.empty() ? std::string() : fmt::format("{}/{}", environment.home, path);
}

std::string path_of(const Environment& environment, std::string_view given, std::string_view otherwise) {
  if (given.empty()) return in_home(environment, otherwise);
  return given.starts_with("~/") ? in_home(environment, given.substr(2)) : std::string(given);
}

// These files are small; what is larger is something else.
constexpr std::size_t kLargestFile = std::size_t{1} << 20;

std::unexpected<Error> cannot_read(std::string_view path, std::string_view why, int code = 0) {
  Error error{.code = code == EACCES ? ErrorCode::kPermissionDenied : ErrorCode::kInvalidArgument,
              .message = fmt::format("read {}: {}", quote(path), why),
              .system_error = code,
              .request_id = {}};
  return fail(std::move(error));
}

std::unexpected<Error> cannot_read(std::string_view path, int code) {
  std::array<char, 256> room;
  return cannot_read(path, ::strerror_r(code, room.data(), room.size()), code);
}

Result<std::string> read_file(const std::string& path, bool required) {
  if (path.empty()) return std::string();
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    const int code = errno;
    // In a home that this user may not enter there is nothing of this user.
    struct stat status;
    const bool hidden = code == EACCES && ::stat(path.c_str(), &status) != 0;
    const bool absent = code == ENOENT || code == ENOTDIR || hidden;
    if (absent && !required) return std::string();
    return cannot_read(path, code);
  }
  std::string content(kLargestFile + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  do {
    got = ::read(descriptor, content.data() + size, content.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
  } while ((got > 0 && size < content.size()) || (got < 0 && errno == EINTR));
  int code = errno;
  ::close(descriptor);
  if (got < 0) return cannot_read(path, code);
  if (size > kLargestFile) return cannot_read(path, "larger than 1 MiB, which no such file is");
  content.resize(size);
  return content;
}

std::optional<std::string> find(const IniSections& sections, std::string_view section, std::string_view key) {
  auto keys = sections.find(section);
  if (keys == sections.end()) return std::nullopt;
  auto found = keys->second.find(key);
  return found == keys->second.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

Result<IniSections> parse_ini(std::string_view text, std::string_view file) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  IniParser parser;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view wrong = parser.take(text.substr(0, end));
    if (!wrong.empty()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}, line {}: {}", quote(file), number, wrong));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(parser).sections();
}

SharedConfigFiles SharedConfigFiles::of(const Environment& environment, std::string_view credentials_file) {
  SharedConfigFiles files;
  files.config = path_of(environment, environment.get("AWS_CONFIG_FILE"), ".aws/config");
  files.credentials_required = !credentials_file.empty();
  std::string variable = environment.get("AWS_SHARED_CREDENTIALS_FILE");
  files.credentials = path_of(environment, credentials_file.empty() ? variable : credentials_file, ".aws/credentials");
  return files;
}

Result<SharedConfig> SharedConfig::read(const SharedConfigFiles& files) {
  auto config = read_file(files.config, false);
  if (!config) return fail(std::move(config.error()));
  auto credentials = read_file(files.credentials, files.credentials_required);
  if (!credentials) return fail(std::move(credentials.error()));
  return parse(*config, *credentials, files);
}

Result<SharedConfig> SharedConfig::parse(std::string_view config, std::string_view credentials,
                                         const SharedConfigFiles& files) {
  auto of_config = parse_ini(config, files.config);
  if (!of_config) return fail(std::move(of_config.error()));
  auto of_credentials = parse_ini(credentials, files.credentials);
  if (!of_credentials) return fail(std::move(of_credentials.error()));
  SharedConfig out;
  for (const auto& [section, keys] : *of_config) {  // sorted: [profile default] comes after [default], and wins
    if (section == "default") merge(keys, out.profiles_[section]);
    if (auto name = name_after("profile", section)) merge(keys, out.profiles_[*name]);
    if (auto name = name_after("services", section)) merge(keys, out.services_[*name]);
  }
  for (const auto& [section, keys] : *of_credentials) merge(keys, out.profiles_[section]);
  return out;
}

bool SharedConfig::has_profile(std::string_view profile) const { return profiles_.contains(profile); }

std::optional<std::string> SharedConfig::value(std::string_view profile, std::string_view key) const {
  return find(profiles_, profile, key);
}

std::optional<std::string> SharedConfig::service_value(std::string_view profile, std::string_view service,
                                                       std::string_view key) const {
  auto section = value(profile, "services");
  return section ? find(services_, *section, fmt::format("{}.{}", service, key)) : std::nullopt;
}

}  // namespace scabbard::s3
