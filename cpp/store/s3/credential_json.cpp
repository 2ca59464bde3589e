#include "store/s3/credential_json.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace scabbard::s3 {
namespace {

using nlohmann::json;

std::unexpected<Error> wrong(std::string_view source, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", source, what));
}

// Empty where it is missing, or not a text.
std::string text_of(const json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

// Takes what a timestamp is made of off the front of a text.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  bool done() const { return valid_ && rest_.empty(); }
  bool take(char expected) {
    bool there = rest_.starts_with(expected);
    if (there) rest_.remove_prefix(1);
    return there;
  }
  void expect(char expected) { valid_ = take(expected) && valid_; }
  int number(std::size_t digits) {
    int value = 0;
    for (; digits > 0; --digits) value = value * 10 + digit();
    return value;
  }
  // What is finer than a second does not matter here.
  void skip_fraction() {
    if (take('.') || take(',')) rest_.remove_prefix(std::min(rest_.find_first_not_of("0123456789"), rest_.size()));
  }
  std::chrono::minutes offset() {
    if (take('Z') || take('z')) return {};
    int sign = take('-') ? -1 : 1;
    if (sign == 1) expect('+');
    int hours = number(2);
    take(':');
    return std::chrono::minutes(sign * (hours * 60 + number(2)));
  }

 private:
  int digit() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
      valid_ = false;
      return 0;
    }
    int value = rest_.front() - '0';
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
  bool valid_ = true;
};

}  // namespace

std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text) {
  TimeReader reader(text);
  std::chrono::year year(reader.number(4));
  reader.expect('-');
  auto month = static_cast<unsigned>(reader.number(2));
  reader.expect('-');
  std::chrono::year_month_day date(year, std::chrono::month(month), std::chrono::day(reader.number(2)));
  reader.expect('T');
  std::chrono::hours hours(reader.number(2));
  reader.expect(':');
  std::chrono::minutes minutes(reader.number(2));
  reader.expect(':');
  std::chrono::seconds seconds(reader.number(2));
  reader.skip_fraction();
  std::chrono::minutes offset = reader.offset();
  if (!reader.done() || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + hours + minutes + seconds - offset;
}

Result<Credentials> checked(Credentials credentials, std::string_view source) {
  if (credentials.access_key.empty()) return wrong(source, "gives no access key id");
  if (credentials.secret_key.empty()) return wrong(source, "gives no secret access key");
  for (const std::string* text : {&credentials.access_key, &credentials.secret_key, &credentials.session_token}) {
    if (!is_visible(*text)) return wrong(source, "gives a key or token with spaces or control characters in it");
  }
  return credentials;
}

Result<Credentials> parse_credentials(CredentialJson kind, std::string_view text, std::string_view source) {
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return wrong(source, "did not answer with a JSON object");
  bool of_process = kind == CredentialJson::kProcess;
  if (of_process && object.value("Version", json()) != 1) return wrong(source, "did not answer with \"Version\": 1");
  std::string code = text_of(object, "Code");
  if (!of_process && !code.empty() && code != "Success") return wrong(source, "answered with a failure");

  Credentials out{.access_key = text_of(object, "AccessKeyId"),
                  .secret_key = text_of(object, "SecretAccessKey"),
                  .session_token = text_of(object, of_process ? "SessionToken" : "Token"),
                  .expires = {}};
  if (object.contains("Expiration") && !object["Expiration"].is_null()) {
    out.expires = parse_time(text_of(object, "Expiration"));
    if (!out.expires) return wrong(source, "gives an Expiration that is no time");
  }
  return checked(std::move(out), source);
}

}  // namespace scabbard::s3
