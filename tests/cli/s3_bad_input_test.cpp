// What people get wrong about a store in a bucket. Each is answered with one line that says which thing is wrong and
// what to change, or just works.
#include <algorithm>
#include <chrono>
#include <filesystem>

#include "cli/command_test.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/server_process.hpp"

namespace scabbard::cli {
namespace {

using namespace std::chrono_literals;
using scripted::Answer;
using scripted::Rule;
using scripted::ScriptedServer;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

using Options = std::vector<std::string>;

constexpr int kUsage = 2;
constexpr int kObjectNotFound = 4;
constexpr int kTemporary = 5;
constexpr int kConfiguration = 7;

constexpr const char* kMissing = "missing";

/// Ends with one line that has all `parts` in it.
MATCHER_P2(SaysInOneLine, status, parts, "ends with one line and " + std::to_string(status)) {
  return arg.status == status && std::ranges::count(arg.err, '\n') == 1 && arg.err.ends_with('\n') &&
         std::ranges::all_of(Options(parts), [&](const std::string& part) { return arg.err.contains(part); });
}

class S3BadInputTest : public CommandTest {
 protected:
  static ServerProcess& gateway(Transport transport = Transport::kHttp) {
    return ServerProcess::shared(ServerKind::kVersitygw, transport);
  }

  /// Makes the folder "store" of a store in a bucket, anew.
  Outcome init_at(const std::string& endpoint, const Options& options = {},
                  const std::string& url = "s3://" + std::string(ServerProcess::kBucket)) const {
    std::filesystem::remove_all(path("store"));
    Options arguments = {"init", "store", "--quiet", "--url", url, "--option", "Endpoint=" + endpoint};
    for (const std::string& option : options) arguments.insert(arguments.end(), {"--option", option});
    return run(arguments);
  }

  With with(const Options& keys) const {
    With all = {.environment = {"SCABBARD_STATE=" + path("state"), "HOME=" + path("home")}};
    all.environment.insert(all.environment.end(), keys.begin(), keys.end());
    return all;
  }
  With with_keys(const ServerProcess& server = gateway()) const { return with_keys(server, server.secret_key()); }
  With with_keys(const ServerProcess& server, const std::string& secret_key) const {
    return with({"AWS_ACCESS_KEY_ID=" + server.access_key(), "AWS_SECRET_ACCESS_KEY=" + secret_key});
  }

  void expect_each_says(int status, const Options& parts, const With& with) const {
    write("file", "content");
    for (const Options& arguments : {Options{"stat", "store/folder/object"},
                                     {"cat", "store/folder/object"},
                                     {"ls", "store"},
                                     {"cp", "file", "store/folder/object"},
                                     {"rm", "store/folder/object"}}) {
      EXPECT_THAT(run(arguments, with), SaysInOneLine(status, parts)) << arguments[0];
    }
  }

  /// Each with the one warning, or with none.
  void expect_all_work(const With& with, const std::string& warning = {}) const {
    write("file", "content");
    const auto succeeds_and_says = [&](const std::string& out) {
      return AllOf(EndsWith(0), Field(&Outcome::out, out),
                   Field(&Outcome::err, warning.empty() ? ::testing::Matcher<std::string>("") : HasSubstr(warning)));
    };
    EXPECT_THAT(run({"cp", "file", "store/folder/object"}, with), succeeds_and_says(""));
    EXPECT_THAT(run({"cat", "store/folder/object"}, with), succeeds_and_says("content"));
    EXPECT_THAT(run({"ls", "store/folder"}, with), succeeds_and_says("object\n"));
    EXPECT_THAT(run({"rm", "store/folder/object"}, with), succeeds_and_says(""));
  }
};

Answer refusal(const std::string& code) {
  return {.status = 403, .headers = {}, .body = "<Error><Code>" + code + "</Code></Error>"};
}

TEST_F(S3BadInputTest, Wrong_secret) {
  init_at(gateway().url());
  expect_each_says(kConfiguration, {gateway().url(), "check the secret access key"},
                   with_keys(gateway(), "hunter2-of-another"));
}

TEST_F(S3BadInputTest, Unknown_access_key) {
  init_at(gateway().url());
  expect_each_says(kConfiguration, {gateway().url(), "does not know the access key", "check the credentials"},
                   with({"AWS_ACCESS_KEY_ID=NOBODY", "AWS_SECRET_ACCESS_KEY=hunter2-of-nobody"}));
}

TEST_F(S3BadInputTest, No_keys) {
  init_at(gateway().url());
  expect_each_says(kConfiguration, {"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", path("home")},
                   with({"AWS_EC2_METADATA_DISABLED=true"}));
}

TEST_F(S3BadInputTest, Wrong_region_is_learnt) {
  init_at(gateway().url(), {"Region=eu-west-9"});
  expect_all_work(with_keys(), "set option Region");
}

TEST_F(S3BadInputTest, Missing_bucket) {
  init_at(gateway().url(), {}, "s3://no-such-bucket/f01000");
  expect_each_says(kConfiguration, {gateway().url() + "/no-such-bucket)", "create it, or correct Url"}, with_keys());
}

TEST_F(S3BadInputTest, What_is_no_bucket) {
  EXPECT_THAT(init_at(gateway().url(), {}, "s3:///f01000"), SaysInOneLine(kConfiguration, Options{"has no bucket"}));
  EXPECT_THAT(init_at(gateway().url(), {}, "s3://127.0.0.1:9000/f01000"),
              SaysInOneLine(kConfiguration, Options{"127.0.0.1:9000", "option Endpoint"}));
}

TEST_F(S3BadInputTest, Bucket_with_dots_over_tls_works) {
  ServerProcess& server = gateway(Transport::kHttps);
  server.create_bucket("bucket.with.dots");
  init_at(server.url(), {"CaFile=" + server.ca_file()}, "s3://bucket.with.dots/f01000");
  expect_all_work(with_keys(server));
  EXPECT_THAT(init_at(server.url(), {"AddressingStyle=virtual"}, "s3://bucket.with.dots"),
              SaysInOneLine(kConfiguration, Options{"AddressingStyle", "path is the style for it"}));
}

TEST_F(S3BadInputTest, Endpoint_that_is_none) {
  for (const char* endpoint : {"minio.example.com:9000", "minio.example.com", "ftp://minio.example.com"}) {
    EXPECT_THAT(init_at(endpoint), SaysInOneLine(kConfiguration, Options{endpoint, "must begin with https:// or"}));
  }
  EXPECT_THAT(init_at("https://minio.example.com:90000"), SaysInOneLine(kConfiguration, Options{"port"}));
  EXPECT_THAT(init_at("https://minio.example.com/sectors"),
              SaysInOneLine(kConfiguration, Options{"Endpoint", "must not have a path"}));
}

TEST_F(S3BadInputTest, Endpoint_that_is_a_web_page) {
  for (const int status : {200, 400, 401, 403, 404, 405}) {
    Rule rule;
    rule.answer = Answer{.status = status,
                         .headers = {{"Content-Type", "text/html"}},
                         .body = "<!DOCTYPE html><html>Welcome<br></html>"};
    const ScriptedServer server({.rules = {rule}});
    init_at(server.url());
    expect_each_says(kTemporary, {server.url(), "is Endpoint an S3 server?"}, with_keys());
  }
}

TEST_F(S3BadInputTest, Endpoint_whose_scheme_is_the_other_one) {
  const std::string speaks_http = gateway().url();
  init_at("https" + speaks_http.substr(speaks_http.find(':')));
  EXPECT_THAT(run({"stat", "store/object"}, with_keys()), SaysInOneLine(kConfiguration, Options{"begin with http://"}));
  const std::string speaks_tls = gateway(Transport::kHttps).url();
  init_at("http" + speaks_tls.substr(speaks_tls.find(':')), {"Timeout=1s"});
  EXPECT_THAT(run({"stat", "-q", "store/object"}, with_keys()),
              SaysInOneLine(kTemporary, Options{"begin with https://"}));
}

TEST_F(S3BadInputTest, Expired_certificate) {
  const ServerProcess server(ServerKind::kVersitygw, Transport::kHttps, -1h);
  init_at(server.url(), {"CaFile=" + server.ca_file()});
  expect_each_says(kConfiguration, {server.url(), "expired", "renew the server's certificate"}, with_keys(server));
}

TEST_F(S3BadInputTest, Certificate_of_an_unknown_authority) {
  const ServerProcess& server = gateway(Transport::kHttps);
  init_at(server.url());
  expect_each_says(kConfiguration, {server.url(), "authority", "option CaFile"}, with_keys(server));
}

TEST_F(S3BadInputTest, Certificate_of_another_name) {
  const ServerProcess& server = gateway(Transport::kHttps);
  init_at("https://another.name.localhost:" + std::to_string(server.port()), {"CaFile=" + server.ca_file()});
  EXPECT_THAT(run({"stat", "store/object"}, with_keys(server)),
              SaysInOneLine(kConfiguration, Options{"another.name.localhost", "Endpoint has to use a name"}));
}

TEST_F(S3BadInputTest, CaFile_that_is_missing_or_none) {
  const ServerProcess& server = gateway(Transport::kHttps);
  EXPECT_THAT(init_at(server.url(), {"CaFile=" + path(kMissing)}),
              SaysInOneLine(kConfiguration, Options{path(kMissing), "option CaFile", "No such file"}));
  write("none.pem", "no certificate");
  init_at(server.url(), {"CaFile=" + path("none.pem")});
  expect_each_says(kConfiguration, {path("none.pem"), "option CaFile"}, with_keys(server));
}

TEST_F(S3BadInputTest, Clock_that_is_off_by_an_hour_works) {
  Rule rule;
  rule.on.skewed = true;
  rule.answer = refusal("RequestTimeTooSkewed");
  for (const auto offset : {1h, -1h}) {
    const ScriptedServer server({.clock_offset = offset, .rules = {rule}});
    init_at(server.url(), {}, "s3://bucket");
    expect_all_work(with_keys(), "clock differs");
  }
}

TEST_F(S3BadInputTest, Clock_that_a_server_will_not_correct) {
  Rule rule;
  rule.answer = refusal("RequestTimeTooSkewed");
  const ScriptedServer server({.rules = {rule}});
  init_at(server.url());
  expect_each_says(kConfiguration, {"this machine's clock", "set it"}, with_keys());
}

TEST_F(S3BadInputTest, Sizes_that_are_none) {
  for (const char* capacity : {"Capacity=12 parrots", "Capacity=-1", "Capacity=lots"}) {
    EXPECT_THAT(init_at(gateway().url(), {capacity}),
                SaysInOneLine(kConfiguration, Options{"option Capacity", "such as 65536, 64KiB"}));
  }
  EXPECT_THAT(init_at(gateway().url(), {"Capacity=0"}),
              SaysInOneLine(kConfiguration, Options{"option Capacity", "must be more than 0"}));
  for (const char* size : {"PartSize=4MiB", "PartSize=5242879", "PartSize=6GiB"}) {
    EXPECT_THAT(init_at(gateway().url(), {size}),
                SaysInOneLine(kConfiguration, Options{"option PartSize", "5MiB to 5GiB"}));
  }
}

TEST_F(S3BadInputTest, Secret_for_an_option_is_not_repeated) {
  const Outcome outcome = init_at(gateway().url(), {"SecretKey=hunter2"});
  EXPECT_THAT(outcome, SaysInOneLine(kConfiguration, Options{"SecretKey", "environment or a file"}));
  EXPECT_THAT(outcome.err, Not(HasSubstr("hunter2")));
}

TEST_F(S3BadInputTest, Log_at_its_finest_shows_no_secret) {  // which wait() looks for
  const ScriptedServer server;
  With with = with_keys(gateway(), "hunter2");
  with.environment.insert(with.environment.end(), {"AWS_SESSION_TOKEN=hunter2-token", "SCABBARD_LOG=trace"});
  for (const std::string& url : {server.url(), gateway().url()}) {
    init_at(url, {}, "s3://bucket");
    for (const Options& arguments : {Options{"stat", "store/object"}, {"ls", "store"}, {"cp", "-", "store/object"}}) {
      EXPECT_THAT(run(arguments, with).err, HasSubstr(" scabbard info: "));
    }
  }
}

TEST_F(S3BadInputTest, Object_of_no_bytes_works) {
  init_at(gateway().url());
  write("file", "");
  EXPECT_THAT(run({"cp", "file", "store/of-a-file"}, with_keys()), Succeeds());
  EXPECT_THAT(run({"cp", "-", "store/of-a-pipe"}, with_keys()), Succeeds());
  for (const char* object : {"store/of-a-file", "store/of-a-pipe"}) {
    EXPECT_EQ(out_of({"cat", object}, with_keys()), "");
    EXPECT_THAT(out_of({"stat", object}, with_keys()), HasSubstr("size        0"));
    EXPECT_THAT(run({"rm", object}, with_keys()), Succeeds());
  }
}

TEST_F(S3BadInputTest, Name_that_is_not_utf8) {
  init_at(gateway().url());
  for (const char* verb : {"stat", "cat", "rm"}) {
    EXPECT_THAT(run({verb, "store/\xff"}, with_keys()), SaysInOneLine(kUsage, Options{"not UTF-8"}));
  }
  EXPECT_THAT(run({"cp", "-", "store/\xff"}, with_keys()), SaysInOneLine(kUsage, Options{"not UTF-8"}));
}

TEST_F(S3BadInputTest, Key_that_ends_in_a_slash) {
  init_at(gateway().url());
  for (const char* verb : {"stat", "cat", "rm"}) {
    EXPECT_THAT(run({verb, "store/folder/"}, with_keys()),
                SaysInOneLine(kObjectNotFound, Options{"\"folder\"", "not found"}));
  }
  EXPECT_THAT(run({"cp", "-", "store/folder/"}, with_keys()),
              SaysInOneLine(kUsage, Options{"is a folder; name the object"}));
}

TEST_F(S3BadInputTest, Bucket_that_may_not_be_listed) {
  Rule listing;
  listing.on.kind = "list_objects";
  listing.answer = refusal("AccessDenied");
  Rule missing;
  missing.on.path = std::string("/bucket/") + kMissing;
  missing.answer = refusal("AccessDenied");
  const ScriptedServer server({.rules = {listing, missing}});
  init_at(server.url(), {}, "s3://bucket");
  EXPECT_THAT(run({"cp", "-", "store/object"}, with_keys()), Succeeds());
  EXPECT_THAT(run({"cat", "store/object"}, with_keys()), Succeeds());
  for (const Options& arguments : {Options{"ls", "store"}, {"stat", "store/missing"}, {"cat", "store/missing"}}) {
    EXPECT_THAT(run(arguments, with_keys()),
                SaysInOneLine(kConfiguration, Options{"s3:", "ListBucket", "missing object"}));
  }
}

}  // namespace
}  // namespace scabbard::cli
