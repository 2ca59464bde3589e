#include "store/s3/credential_chain.hpp"

#include <fmt/core.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "base/command_words.hpp"
#include "base/text.hpp"
#include "store/s3/credential_endpoints.hpp"
#include "store/s3/credential_json.hpp"
#include "store/s3/credential_process.hpp"

namespace scabbard::s3 {
namespace {

// For what AWS' own tool can do and scabbard does not.
std::string use_the_cli(std::string_view profile) {
  return fmt::format(
      "not supported; a profile with credential_process = aws configure export-credentials --profile {} does it",
      printable(profile));
}

std::string stamp_of(const std::string& path) {
  struct stat info{};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return "-";
  return fmt::format("{}.{}.{}.{}", info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino);
}

}  // namespace

std::string profile_name(const CredentialOptions& options, const Environment& environment) {
  for (std::string name : {options.profile, environment.get("AWS_PROFILE"), environment.get("AWS_DEFAULT_PROFILE")}) {
    if (!name.empty()) return name;
  }
  return "default";
}

CredentialChain::CredentialChain(CredentialOptions options, Environment environment, Fetch fetch)
    : options_(std::move(options)),
      environment_(std::move(environment)),
      fetch_(std::move(fetch)),
      files_(SharedConfigFiles::of(environment_, options_.credentials_file)),
      profile_(profile_name(options_, environment_)) {}

Result<Credentials> CredentialChain::load(const Context& ctx) {
  if (options_.anonymous) {
    Credentials nobody;
    nobody.anonymous = true;
    return nobody;
  }
  std::vector<Place> places = {&CredentialChain::from_environment, &CredentialChain::from_profile,
                               &CredentialChain::from_container, &CredentialChain::from_instance};
  bool told_where = !options_.profile.empty() || !options_.credentials_file.empty();
  if (told_where) places = {&CredentialChain::from_profile};
  std::vector<std::string> tried;
  for (Place place : places) {
    auto found = (this->*place)(ctx, tried);
    if (!found) return fail(std::move(found.error()));
    if (*found) return std::move(**found);
  }
  return fail(none(tried));
}

std::string CredentialChain::fingerprint() const {
  return stamp_of(files_.config) + " " + stamp_of(files_.credentials);
}

CredentialChain::Found CredentialChain::from_environment(const Context&, std::vector<std::string>& tried) const {
  Credentials keys{.access_key = environment_.get("AWS_ACCESS_KEY_ID"),
                   .secret_key = environment_.get("AWS_SECRET_ACCESS_KEY"),
                   .session_token = environment_.get("AWS_SESSION_TOKEN"),
                   .expires = {}};
  if (keys.access_key.empty() && keys.secret_key.empty()) {
    if (!environment_.get("AWS_WEB_IDENTITY_TOKEN_FILE").empty()) {
      return fail(ErrorCode::kUnsupported,
                  "AWS_WEB_IDENTITY_TOKEN_FILE: a role by web identity is " + use_the_cli(profile_));
    }
    tried.emplace_back("the environment");
    return std::nullopt;
  }
  if (keys.access_key.empty() || keys.secret_key.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is set but {} is not: set both or none",
                            keys.access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                            keys.access_key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"));
  }
  return checked(std::move(keys), "the environment (AWS_ACCESS_KEY_ID and the like)");
}

CredentialChain::Found CredentialChain::from_profile(const Context& ctx, std::vector<std::string>& tried) const {
  auto config = SharedConfig::read(files_);
  if (!config) return fail(std::move(config.error()));
  std::string source = profile_in_files();
  if (!config->has_profile(profile_)) {
    bool asked_for = profile_ != "default";
    if (asked_for) return fail(ErrorCode::kInvalidArgument, source + ": there is no such profile");
    tried.push_back(source + " (there is no such profile)");
    return std::nullopt;
  }
  if (auto error = unsupported(*config, source)) return fail(std::move(*error));
  auto keys = from_keys(*config, source);
  if (!keys || *keys) return keys;
  if (auto command = config->value(profile_, "credential_process")) return from_process(ctx, *command, source);
  tried.push_back(source + " (it has neither keys nor credential_process)");
  return std::nullopt;
}

CredentialChain::Found CredentialChain::from_keys(const SharedConfig& config, const std::string& source) const {
  Credentials keys{.access_key = config.value(profile_, "aws_access_key_id").value_or(""),
                   .secret_key = config.value(profile_, "aws_secret_access_key").value_or(""),
                   .session_token = config.value(profile_, "aws_session_token").value_or(""),
                   .expires = {}};
  if (keys.access_key.empty() && keys.secret_key.empty()) return std::nullopt;
  if (keys.access_key.empty() || keys.secret_key.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is missing", source,
                            keys.access_key.empty() ? "aws_access_key_id" : "aws_secret_access_key"));
  }
  return checked(std::move(keys), source);
}

CredentialChain::Found CredentialChain::from_process(const Context& ctx, std::string_view command,
                                                     const std::string& source) const {
  auto words = split_command(command);
  if (!words) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: credential_process: {}", source, words.error().message));
  }
  auto output = run_program(ctx, *words);
  if (!output) {
    output.error().message = fmt::format("{}: {}", source, output.error().message);
    return fail(std::move(output.error()));
  }
  return parse_credentials(CredentialJson::kProcess, *output, source + ": credential_process");
}

std::optional<Error> CredentialChain::unsupported(const SharedConfig& config, const std::string& source) const {
  auto error = [&](std::string_view key, std::string_view what) {
    return Error{.code = ErrorCode::kUnsupported,
                 .message = fmt::format("{}: {}: {} is {}", source, key, what, use_the_cli(profile_)),
                 .request_id = {}};
  };
  if (config.value(profile_, "role_arn")) return error("role_arn", "assuming a role");
  if (config.value(profile_, "aws_access_key_id")) return std::nullopt;
  for (const char* key : {"sso_session", "sso_account_id", "login_session"}) {
    if (config.value(profile_, key)) return error(key, "signing in");
  }
  return std::nullopt;
}

CredentialChain::Found CredentialChain::from_container(const Context& ctx, std::vector<std::string>& tried) const {
  auto answer = ask_container(ctx, environment_, fetch_);
  if (!answer) return fail(std::move(answer.error()));
  if (!answer->credentials) tried.push_back("the container endpoint (" + answer->absent + ")");
  return std::move(answer->credentials);
}

CredentialChain::Found CredentialChain::from_instance(const Context& ctx, std::vector<std::string>& tried) const {
  auto answer = ask_instance(ctx, environment_, fetch_);
  if (!answer) return fail(std::move(answer.error()));
  if (!answer->credentials) tried.push_back("the instance endpoint (" + answer->absent + ")");
  return std::move(answer->credentials);
}

std::string CredentialChain::profile_in_files() const {
  auto name = [](const std::string& path) { return path.empty() ? "(no home folder)" : quote(path); };
  return fmt::format("profile {} of {} and {}", quote(profile_), name(files_.credentials), name(files_.config));
}

Error CredentialChain::none(const std::vector<std::string>& tried) const {
  std::string file = files_.credentials.empty() ? "~/.aws/credentials" : files_.credentials;
  return {.code = ErrorCode::kInvalidArgument,
          .message = fmt::format(
              "no credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add a profile to {}; "
              "tried: {}",
              quote(file), fmt::join(tried, ", ")),
          .request_id = {}};
}

}  // namespace scabbard::s3
