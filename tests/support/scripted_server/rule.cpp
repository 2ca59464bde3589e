#include "support/scripted_server/rule.hpp"

#include <charconv>
#include <cstdlib>
#include <ctime>

#include "support/scripted_server/s3_request.hpp"

namespace scabbard::scripted {
namespace {

constexpr std::int64_t kSkewLimit = 15 * 60;  // seconds, S3's own

// Access key and region as a SigV4 Authorization names them:
// "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/s3/aws4_request, ..."
struct Credential {
  std::string_view access_key;
  std::string_view region;
};

Credential credential_of(const Request& request) {
  constexpr std::string_view kName = "Credential=";
  std::string_view rest = request.header("authorization");
  const std::size_t start = rest.find(kName);
  if (start == std::string_view::npos) return {};
  rest = rest.substr(start + kName.size());
  const std::size_t date = rest.find('/');
  const std::size_t region = rest.find('/', date + 1);
  const std::size_t service = rest.find('/', region + 1);
  if (date == std::string_view::npos || region == std::string_view::npos || service == std::string_view::npos)
    return {};
  return {.access_key = rest.substr(0, date), .region = rest.substr(region + 1, service - region - 1)};
}

// "20261125T174139Z" in seconds since the epoch; 0 where it is none.
std::int64_t signing_time(const Request& request) {
  const std::string text(request.header("x-amz-date"));
  std::tm parts{};
  return ::strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &parts) == nullptr ? 0 : ::timegm(&parts);
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

bool holds(const Condition& condition, const Request& request, std::size_t endpoint, std::int64_t now) {
  if (!condition.kind.empty() && condition.kind != kind_of(request)) return false;
  if (!condition.method.empty() && condition.method != request.method) return false;
  if (!condition.path.empty() && condition.path != request.path) return false;
  if (condition.query && request.parameter(condition.query->first) != condition.query->second) return false;
  if (condition.endpoint && *condition.endpoint != endpoint) return false;
  const Credential credential = credential_of(request);
  if (condition.access_key && *condition.access_key != credential.access_key) return false;
  if (condition.region && *condition.region != credential.region) return false;
  return !condition.skewed || std::abs(signing_time(request) - now) > kSkewLimit;
}

Response response_of(const Answer& answer, std::uint64_t number) {
  Response response;
  response.status = answer.status;
  response.headers = answer.headers;
  std::string body = answer.body;
  replace_all(body, "$N", std::to_string(number));
  response.set_body(std::move(body));
  return response;
}

void apply(const Change& change, Response& response) {
  for (const auto& [name, value] : change.headers) response.set_header(name, value);
  if (!change.flip && change.space_before == 0) return;
  std::string body = response.content.text().substr(response.offset, response.size);
  if (change.flip && *change.flip < body.size()) body[*change.flip] = static_cast<char>(body[*change.flip] ^ 1);
  response.set_body(std::string(change.space_before, ' ') + body);
}

}  // namespace scabbard::scripted
