#include "store/s3/credential_endpoints.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "base/text.hpp"
#include "store/s3/credential_json.hpp"
#include "store/s3/uri_encoding.hpp"
#include "store/url.hpp"

namespace scabbard::s3 {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kContainer = "the container endpoint";
constexpr std::string_view kInstance = "the instance endpoint";
constexpr int kOk = 200;
constexpr int kNoSuchThing = 404;
// Both are next door: an answer takes milliseconds. Without one, the machine is not one of Amazon's.
constexpr auto kPresenceLimit = 2s;
constexpr auto kAnswerLimit = 5s;

std::unexpected<Error> failed(std::string_view endpoint, std::string_view what, std::string_view why) {
  return fail(ErrorCode::kUnavailable, fmt::format("{}: {}: {}", endpoint, what, why));
}

EndpointAnswer absent(std::string why) { return {.credentials = {}, .absent = std::move(why)}; }

bool is_true(std::string_view text) { return same_ignoring_case(text, "true"); }

// The header that proves to the endpoint that its own container asks. Empty where there is none.
Result<std::string> container_token(const Environment& environment) {
  std::string token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (std::string path = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !path.empty()) {
    std::ifstream file(path);
    if (!std::getline(file, token)) return failed(kContainer, "no token could be read from the file", quote(path));
  }
  if (!token.empty() && token.back() == '\r') token.pop_back();
  bool fits = std::ranges::all_of(token, [](char c) { return c >= ' ' && c < 0x7F; });
  if (!fits) return failed(kContainer, "its authorization token", "has control characters in it");
  return token;
}

struct Instance {
  const Context& ctx;
  const Fetch& fetch;
  std::string url;
  std::string token = {};

  // The session token, without which version 2 answers nothing.
  Result<HttpAnswer> ask_for_token() const {
    return fetch(ctx.with_timeout(kPresenceLimit), {.method = "PUT",
                                                    .url = url + "/latest/api/token",
                                                    .headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}}});
  }
  Result<HttpAnswer> get(std::string_view path) const {
    return fetch(ctx.with_timeout(kAnswerLimit),
                 {.method = "GET",
                  .url = url + "/latest/meta-data/iam/security-credentials/" + encoded_path(path),
                  .headers = {{"x-aws-ec2-metadata-token", token}}});
  }
};

std::string instance_url(const Environment& environment) {
  std::string url = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  while (url.ends_with('/')) url.pop_back();
  if (!url.empty()) return url;
  std::string mode = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
  return mode == "IPv6" || mode == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

bool may_be_asked(std::string_view text) {
  auto url = parse_url(text);
  if (!url) return false;
  if (url->scheme == "https") return true;
  if (url->scheme != "http") return false;
  std::string_view host = url->authority;
  bool bracketed = host.starts_with('[');
  host = bracketed ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
  constexpr std::array<std::string_view, 5> kKnown = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                                      "[fd00:ec2::23]"};
  if (std::ranges::find(kKnown, host) != kKnown.end()) return true;
  // 127.0.0.0/8 and nothing that only begins like it, such as 127.example.com.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<EndpointAnswer> ask_container(const Context& ctx, const Environment& environment, const Fetch& fetch) {
  std::string relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string url =
      relative.empty() ? environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") : "http://169.254.170.2" + relative;
  if (url.empty()) return absent("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set");
  if (!may_be_asked(url)) {
    return fail(ErrorCode::kInvalidArgument,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI: must be https, or http to this machine or to 169.254.170.2, "
                "169.254.170.23 or [fd00:ec2::23]");
  }
  auto token = container_token(environment);
  if (!token) return fail(std::move(token.error()));
  HttpQuestion question{.method = "GET", .url = url, .headers = {{"accept", "application/json"}}};
  if (!token->empty()) question.headers.emplace_back("authorization", *token);
  auto answer = fetch(ctx.with_timeout(kAnswerLimit), question);
  if (!answer) return failed(kContainer, "ask for credentials", answer.error().message);
  if (answer->status != kOk) return failed(kContainer, "ask for credentials", fmt::format("status {}", answer->status));
  auto credentials = parse_credentials(CredentialJson::kEndpoint, answer->body, kContainer);
  if (!credentials) return fail(std::move(credentials.error()));
  return EndpointAnswer{.credentials = std::move(*credentials), .absent = {}};
}

Result<EndpointAnswer> ask_instance(const Context& ctx, const Environment& environment, const Fetch& fetch) {
  if (is_true(environment.get("AWS_EC2_METADATA_DISABLED"))) return absent("AWS_EC2_METADATA_DISABLED is set");
  Instance instance{.ctx = ctx, .fetch = fetch, .url = instance_url(environment)};
  auto token = instance.ask_for_token();
  if (!token) {
    if (auto ended = ctx.check("ask the instance endpoint"); !ended) return fail(std::move(ended.error()));
    return absent("it does not answer");
  }
  if (token->status != kOk)
    return absent(fmt::format("it answers a request for a token with status {}", token->status));
  instance.token = first_line(token->body);

  auto role = instance.get("");
  if (!role) return failed(kInstance, "ask for the instance's role", role.error().message);
  if (role->status == kNoSuchThing || (role->status == kOk && first_line(role->body).empty())) {
    return absent("the instance has no role");
  }
  if (role->status != kOk)
    return failed(kInstance, "ask for the instance's role", fmt::format("status {}", role->status));
  auto answer = instance.get(first_line(role->body));
  if (!answer) return failed(kInstance, "ask for credentials", answer.error().message);
  if (answer->status != kOk) return failed(kInstance, "ask for credentials", fmt::format("status {}", answer->status));
  auto credentials = parse_credentials(CredentialJson::kEndpoint, answer->body, kInstance);
  if (!credentials) return fail(std::move(credentials.error()));
  return EndpointAnswer{.credentials = std::move(*credentials), .absent = {}};
}

}  // namespace scabbard::s3
