#include "store/s3/credential_chain.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "store/s3/credential_endpoints.hpp"
#include "store/s3/credential_json.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::s3 {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Whatever goes wrong, this is in no error.
constexpr const char* kSecret = "hunter2hunter2";

constexpr const char* kFromProcess =
    R"({"Version": 1, "AccessKeyId": "P", "SecretAccessKey": "hunter2hunter2", "SessionToken": "hunter2-token", "Expiration": "2026-11-25T08:00:00Z"})";
constexpr const char* kFromEndpoint =
    R"({"Code": "Success", "AccessKeyId": "E", "SecretAccessKey": "hunter2hunter2", "Token": "hunter2-token", "Expiration": "2026-11-25T08:00:00Z"})";
constexpr const char* kInstanceUrl = "http://169.254.169.254/latest/";

// An endpoint that knows a few answers, keyed by "METHOD URL", and remembers the questions.
struct StandIn {
  std::map<std::string, HttpAnswer> answers;
  std::vector<HttpQuestion> questions;

  Fetch fetch() {
    return [this](const Context&, const HttpQuestion& question) -> Result<HttpAnswer> {
      questions.push_back(question);
      auto found = answers.find(question.method + " " + question.url);
      if (found == answers.end()) return fail(ErrorCode::kUnavailable, "no route to host");
      return found->second;
    };
  }
};

class CredentialChainTest : public testing::Test {
 protected:
  void write(const char* name, std::string_view text) {
    std::filesystem::create_directories(folder_ / ".aws");
    std::ofstream(folder_ / ".aws" / name) << text;
  }
  std::string path(const char* name) const { return (folder_ / ".aws" / name).string(); }
  Result<Credentials> load(const CredentialOptions& options = {}) {
    CredentialChain chain(options, {.variables = variables_, .home = folder_.string()}, stand_in_.fetch());
    auto result = chain.load({});
    std::string said = result ? "" : result.error().message;
    EXPECT_THAT(said, AllOf(Not(HasSubstr(kSecret)), Not(HasSubstr("\n"))));
    return result;
  }
  // The access key found, which tells the place.
  Result<std::string> key(const CredentialOptions& options = {}) {
    auto result = load(options);
    if (!result) return fail(result.error());
    EXPECT_EQ(result->secret_key, kSecret);
    return result->access_key;
  }
  void set_keys() {
    variables_["AWS_ACCESS_KEY_ID"] = "V";
    variables_["AWS_SECRET_ACCESS_KEY"] = kSecret;
  }
  void write_default_keys() {
    write("credentials", "[default]\naws_access_key_id = F\naws_secret_access_key = hunter2hunter2\n");
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string, std::less<>> variables_ = {{"AWS_EC2_METADATA_DISABLED", "true"}};
  StandIn stand_in_;
};

TEST_F(CredentialChainTest, Anonymous_is_asked_for) {
  set_keys();
  auto nobody = value_of(load({.profile = "", .credentials_file = "", .anonymous = true}));
  EXPECT_TRUE(nobody.anonymous);
  EXPECT_TRUE(nobody.access_key.empty() && nobody.secret_key.empty());
}

TEST_F(CredentialChainTest, The_environment_comes_before_the_files) {
  write_default_keys();
  EXPECT_THAT(key(), Gives(std::string("F")));
  set_keys();
  variables_["AWS_SESSION_TOKEN"] = "hunter2-token";
  EXPECT_THAT(key(), Gives(std::string("V")));
  EXPECT_EQ(value_of(load()).session_token, "hunter2-token");
}

TEST_F(CredentialChainTest, Options_come_before_the_environment) {
  set_keys();
  write("credentials", "[x]\naws_access_key_id = X\naws_secret_access_key = hunter2hunter2\n");
  write("other",
        "[default]\naws_access_key_id = O\naws_secret_access_key = hunter2hunter2\naws_session_token = hunter2\n");
  EXPECT_THAT(key({.profile = "x", .credentials_file = ""}), Gives(std::string("X")));
  EXPECT_THAT(key({.profile = "", .credentials_file = path("other")}), Gives(std::string("O")));
}

TEST_F(CredentialChainTest, Options_that_lead_nowhere_are_an_error_whatever_else_there_is) {
  set_keys();
  write("config", "[profile empty]\nregion = x\n");
  EXPECT_THAT(key({.profile = "y", .credentials_file = ""}),
              FailsSaying(ErrorCode::kInvalidArgument, "profile \"y\" of \"" + path("credentials") + "\" and \"" +
                                                           path("config") + "\": there is no such profile"));
  EXPECT_THAT(key({.profile = "empty", .credentials_file = ""}),
              FailsSaying(ErrorCode::kInvalidArgument, "it has neither keys nor credential_process"));
  EXPECT_THAT(key({.profile = "", .credentials_file = path("missing")}),
              FailsSaying(ErrorCode::kInvalidArgument, path("missing")));
}

TEST_F(CredentialChainTest, The_profile_is_named_by_variables) {
  write("config",
        "[profile x]\naws_access_key_id = X\naws_secret_access_key = hunter2hunter2\n"
        "[profile y]\naws_access_key_id = Y\naws_secret_access_key = hunter2hunter2\n");
  variables_["AWS_DEFAULT_PROFILE"] = "y";
  EXPECT_THAT(key(), Gives(std::string("Y")));
  variables_["AWS_PROFILE"] = "x";
  EXPECT_THAT(key(), Gives(std::string("X")));
  variables_["AWS_PROFILE"] = "z";
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "profile \"z\""));
}

TEST_F(CredentialChainTest, Half_a_pair_of_keys_is_an_error) {
  write("credentials", "[default]\naws_secret_access_key = hunter2hunter2\n");
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "aws_access_key_id is missing"));
  variables_["AWS_SECRET_ACCESS_KEY"] = kSecret;
  EXPECT_THAT(key(),
              FailsSaying(ErrorCode::kInvalidArgument, "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not"));
}

TEST_F(CredentialChainTest, Keys_that_would_break_a_header_are_refused) {
  variables_["AWS_ACCESS_KEY_ID"] = "A\r\nx: y";
  variables_["AWS_SECRET_ACCESS_KEY"] = kSecret;
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "the environment"));
  variables_.clear();
  write("credentials", "[default]\naws_access_key_id = F\naws_secret_access_key = hunter2hunter2\n  goes on\n");
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, path("credentials")));
}

TEST_F(CredentialChainTest, A_profile_may_name_a_process) {
  write("answer", kFromProcess);
  write("config", "[default]\ncredential_process = cat \"" + path("answer") + "\"\n");
  auto found = value_of(load());
  EXPECT_EQ(found.access_key, "P");
  EXPECT_EQ(found.session_token, "hunter2-token");
  EXPECT_EQ(found.expires, parse_time("2026-11-25T08:00:00Z"));
}

TEST_F(CredentialChainTest, Keys_of_a_profile_come_before_its_process) {
  write_default_keys();
  write("config", "[default]\ncredential_process = false\n");
  EXPECT_THAT(key(), Gives(std::string("F")));
}

TEST_F(CredentialChainTest, What_a_process_does_wrong_is_said_with_its_profile) {
  write("config",
        "[profile fails]\ncredential_process = false\n"
        "[profile quotes]\ncredential_process = sh -c 'hunter2hunter2\n"
        "[profile text]\ncredential_process = echo hunter2hunter2\n"
        "[profile version]\ncredential_process = echo "
        "{\\\"Version\\\":2,\\\"SecretAccessKey\\\":\\\"hunter2hunter2\\\"}\n"
        "[profile half]\ncredential_process = echo {\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"hunter2hunter2\\\"}\n");
  auto with = [&](const char* profile) { return key({.profile = profile, .credentials_file = ""}); };
  EXPECT_THAT(with("fails"), FailsSaying(ErrorCode::kUnavailable, "profile \"fails\""));
  EXPECT_THAT(with("quotes"), FailsSaying(ErrorCode::kInvalidArgument, "a quote is not closed"));
  EXPECT_THAT(with("text"), FailsSaying(ErrorCode::kInvalidArgument, "did not answer with a JSON object"));
  EXPECT_THAT(with("version"), FailsSaying(ErrorCode::kInvalidArgument, "\"Version\": 1"));
  EXPECT_THAT(with("half"), FailsSaying(ErrorCode::kInvalidArgument, "gives no secret access key"));
}

TEST_F(CredentialChainTest, What_is_not_supported_says_what_to_do_instead) {
  write("config",
        "[profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = B\naws_secret_access_key = hunter2hunter2\n"
        "[profile sso]\nsso_session = s\n");
  EXPECT_THAT(key({.profile = "role", .credentials_file = ""}),
              FailsSaying(ErrorCode::kUnsupported, "aws configure export-credentials --profile role"));
  EXPECT_THAT(key({.profile = "sso", .credentials_file = ""}), FailsSaying(ErrorCode::kUnsupported, "sso_session"));
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kUnsupported, "AWS_WEB_IDENTITY_TOKEN_FILE"));
}

TEST_F(CredentialChainTest, With_nothing_anywhere_it_says_what_to_do_and_what_was_tried) {
  auto result = load();
  ASSERT_THAT(result, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(result.error().message,
            "no credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add a profile to \"" +
                path("credentials") + "\"; tried: the environment, profile \"default\" of \"" + path("credentials") +
                "\" and \"" + path("config") +
                "\" (there is no such profile), the container endpoint (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
                "_FULL_URI are not set), the instance endpoint (AWS_EC2_METADATA_DISABLED is set)");
}

TEST_F(CredentialChainTest, Malformed_files_are_an_error) {
  write("credentials", "[default]\naws_secret_access_key hunter2hunter2\n");
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "line 2"));
}

TEST_F(CredentialChainTest, The_fingerprint_changes_with_either_file) {
  CredentialChain chain({}, {.variables = {}, .home = folder_.string()}, stand_in_.fetch());
  std::set<std::string> seen = {chain.fingerprint()};
  write("config", "[default]\n");
  seen.insert(chain.fingerprint());
  write("credentials", "[default]\n");
  seen.insert(chain.fingerprint());
  EXPECT_EQ(chain.fingerprint(), *seen.find(chain.fingerprint()));
  EXPECT_EQ(seen.size(), 3U);
}

TEST_F(CredentialChainTest, A_container_is_asked_at_its_address) {
  variables_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1";
  stand_in_.answers["GET http://169.254.170.2/v2/credentials/1"] = {200, kFromEndpoint};
  EXPECT_THAT(key(), Gives(std::string("E")));
  EXPECT_EQ(value_of(load()).session_token, "hunter2-token");
}

TEST_F(CredentialChainTest, A_container_proves_itself_with_a_token_that_is_read_each_time) {
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost:8080/get";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "hunter2 from variable";
  stand_in_.answers["GET http://localhost:8080/get"] = {200, kFromEndpoint};
  EXPECT_THAT(key(), Gives(std::string("E")));
  EXPECT_EQ(stand_in_.questions.back().headers.back(),
            std::pair(std::string("authorization"), std::string("hunter2 from variable")));

  write("token", "hunter2 from file\r\n");
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = path("token");
  EXPECT_THAT(key(), Gives(std::string("E")));
  EXPECT_EQ(stand_in_.questions.back().headers.back().second, "hunter2 from file");
}

TEST_F(CredentialChainTest, What_a_container_does_wrong_is_an_error) {
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost/get";
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kUnavailable, "the container endpoint: ask for credentials: no route"));
  stand_in_.answers["GET http://localhost/get"] = {500, kSecret};
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kUnavailable, "status 500"));
  stand_in_.answers["GET http://localhost/get"] = {200, kSecret};
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "JSON"));
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "hunter2hunter2\r\nx: y";
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kUnavailable, "control characters"));
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = path("missing");
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kUnavailable, path("missing")));
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/get";
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
}

TEST(ContainerUrlTest, Only_this_machine_and_the_known_addresses_are_asked_in_clear) {
  for (const char* url :
       {"https://example.com/x", "http://localhost/x", "http://127.0.0.1:80/x", "http://127.9.9.9/x",
        "http://[::1]:8080/x", "http://169.254.170.2/x", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1"}) {
    EXPECT_TRUE(may_be_asked(url)) << url;
  }
  for (const char* url : {"http://example.com/x", "http://127.example.com/x", "http://localhost.example.com/x",
                          "http://169.254.169.254/x", "ftp://localhost/x", "localhost/x", "http://[::2]/x", ""}) {
    EXPECT_FALSE(may_be_asked(url)) << url;
  }
}

class InstanceEndpointTest : public CredentialChainTest {
 protected:
  InstanceEndpointTest() {
    variables_.clear();
    answer("PUT", "api/token", {200, "hunter2-session"});
    answer("GET", "meta-data/iam/security-credentials/", {200, "role\n"});
    answer("GET", "meta-data/iam/security-credentials/role", {200, kFromEndpoint});
  }
  void answer(const std::string& method, const std::string& url, HttpAnswer with) {
    stand_in_.answers[method + " " + kInstanceUrl + url] = std::move(with);
  }
};

TEST_F(InstanceEndpointTest, An_instance_is_asked_for_a_token_its_role_and_the_role_s_credentials) {
  EXPECT_THAT(key(), Gives(std::string("E")));
  ASSERT_EQ(stand_in_.questions.size(), 3U);
  EXPECT_EQ(stand_in_.questions[0].headers.at(0).first, "x-aws-ec2-metadata-token-ttl-seconds");
  for (int i : {1, 2}) {
    EXPECT_EQ(stand_in_.questions[i].headers.at(0),
              std::pair(std::string("x-aws-ec2-metadata-token"), std::string("hunter2-session")));
  }
}

TEST_F(InstanceEndpointTest, Files_come_before_the_instance) {
  write_default_keys();
  EXPECT_THAT(key(), Gives(std::string("F")));
  EXPECT_TRUE(stand_in_.questions.empty());
}

TEST_F(InstanceEndpointTest, Another_address_may_be_given) {
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1338/";
  EXPECT_THAT(key(), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(stand_in_.questions.back().url, "http://127.0.0.1:1338/latest/api/token");
  variables_ = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}};
  EXPECT_THAT(key(), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(stand_in_.questions.back().url, "http://[fd00:ec2::254]/latest/api/token");
}

TEST_F(InstanceEndpointTest, Where_there_is_none_or_it_has_no_role_there_are_no_credentials) {
  answer("GET", "meta-data/iam/security-credentials/", {404, ""});
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "the instance endpoint (the instance has no role)"));
  answer("PUT", "api/token", {403, ""});
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "with status 403"));
  stand_in_.answers.clear();
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "the instance endpoint (it does not answer)"));
}

TEST_F(InstanceEndpointTest, A_failure_of_an_instance_that_has_a_role_is_an_error) {
  answer("GET", "meta-data/iam/security-credentials/role", {200, R"({"Code": "Failed", "Message": "hunter2hunter2"})"});
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kInvalidArgument, "the instance endpoint: answered with a failure"));
  answer("GET", "meta-data/iam/security-credentials/role", {503, kSecret});
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kUnavailable, "status 503"));
  answer("GET", "meta-data/iam/security-credentials/", {500, kSecret});
  EXPECT_THAT(key(), FailsSaying(ErrorCode::kUnavailable, "status 500"));
}

TEST(InstanceEndpointLimitTest, A_silent_network_costs_two_seconds) {
  Context ctx;
  Clock::Duration limit{};
  Fetch silent = [&](const Context& given, const HttpQuestion&) -> Result<HttpAnswer> {
    limit = *given.deadline() - given.now();
    return fail(ErrorCode::kDeadlineExceeded, "no answer");
  };
  EXPECT_FALSE(value_of(ask_instance(ctx, {}, silent)).credentials);
  EXPECT_LE(limit, 2s);
}

TEST(InstanceEndpointLimitTest, A_cancelled_question_is_no_answer) {
  std::stop_source stop;
  Fetch cancelled = [&](const Context&, const HttpQuestion&) -> Result<HttpAnswer> {
    stop.request_stop();
    return fail(ErrorCode::kCancelled, "cancelled");
  };
  EXPECT_THAT(ask_instance(Context().with_cancel(stop.get_token()), {}, cancelled), FailsWith(ErrorCode::kCancelled));
}

TEST(CredentialTimeTest, Takes_the_forms_in_use) {
  auto expected = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + 8h + 1min + 2s;
  for (const char* text : {"2026-11-25T08:01:02Z", "2026-11-25T08:01:02.123456Z", "2026-11-25T09:01:02+01:00",
                           "2026-11-25T03:31:02-0430"}) {
    EXPECT_EQ(parse_time(text), expected) << text;
  }
  for (const char* text : {"", "2026-11-25", "2026-13-25T08:01:02Z", "2026-02-30T08:01:02Z", "2026-11-25T08:01:02",
                           "2026-11-25T08:01:02Zx", "2026-11-25 08:01:02Z", "+026-11-25T08:01:02Z"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace scabbard::s3
