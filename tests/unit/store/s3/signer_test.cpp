#include "store/s3/signer.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "store/s3/uri_encoding.hpp"
#include "support/result_matchers.hpp"

namespace scabbard::s3 {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::sys_seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const sys_seconds kMay24 = std::chrono::sys_days(std::chrono::year(2013) / 5 / 24);

Credentials example_credentials() {
  return {.access_key = "AKIAIOSFODNN7EXAMPLE",
          .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
          .session_token = "",
          .expires = {}};
}

Request ranged_get() {
  return {.method = "GET",
          .host = "examplebucket.s3.amazonaws.com",
          .path = "/test.txt",
          .query = "",
          .headers = {{"Range", "bytes=0-9"}}};
}

std::string header(const Request& request, std::string_view name) {
  std::string found = "(none)";
  for (const Header& header : request.headers) {
    if (header.name != name) continue;
    EXPECT_EQ(found, "(none)") << name << " is there twice";
    found = header.value;
  }
  return found;
}

// One of AWS's published examples.
struct Vector {
  json facts;
  std::string path;
  std::string query;

  std::string text(const char* key) const { return facts.value(key, ""); }
  Credentials credentials() const {
    return {.access_key = text("access_key"),
            .secret_key = text("secret_key"),
            .session_token = text("session_token"),
            .expires = {}};
  }
  sys_seconds time() const {
    std::tm parts{};
    std::istringstream(text("time")) >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%SZ");
    return sys_seconds(std::chrono::seconds(::timegm(&parts)));
  }
};

std::vector<Vector> published_vectors() {
  std::vector<Vector> out;
  json file = json::parse(std::ifstream(SCABBARD_UNIT_TESTS "/store/s3/signature_vectors.json"));
  for (const json& facts : file["vectors"]) {
    std::vector<QueryParameter> query;
    for (const json& parameter : facts["query"]) {
      query.push_back(
          {.name = parameter[0].get_ref<const std::string&>(), .value = parameter[1].get_ref<const std::string&>()});
    }
    out.push_back({facts, encoded_path(facts["path"].get<std::string>()), encoded_query(query)});
  }
  return out;
}

TEST(SignerTest, Signs_what_AWS_published_as_AWS_does) {
  auto vectors = published_vectors();
  ASSERT_EQ(vectors.size(), 34U);
  for (const Vector& vector : vectors) {
    SCOPED_TRACE(vector.text("name"));
    std::string method = vector.text("method");
    std::string host = vector.text("host");
    Request request{.method = method, .host = host, .path = vector.path, .query = vector.query, .headers = {}};
    for (const json& header : vector.facts["headers"]) request.headers.push_back({header[0], header[1]});

    Signer signer(vector.text("region"), vector.text("service"));
    ASSERT_THAT(signer.sign(request, vector.credentials(), vector.text("payload_hash"), vector.time()), Succeeds());

    std::string canonical;
    std::string signed_headers;
    append_canonical_request(request, vector.text("payload_hash"), canonical, signed_headers);
    EXPECT_EQ(canonical, vector.text("canonical_request"));
    std::string authorization = header(request, "authorization");
    EXPECT_THAT(authorization,
                EndsWith(", SignedHeaders=" + signed_headers + ", Signature=" + vector.text("signature")));
  }
}

TEST(SignerTest, Adds_the_headers_that_S3_wants) {
  Request request = ranged_get();
  Credentials credentials = example_credentials();
  credentials.session_token = "hunter2-token";
  ASSERT_THAT(Signer("us-east-1").sign(request, credentials, kUnsignedPayload, kMay24), Succeeds());
  EXPECT_EQ(header(request, "host"), "examplebucket.s3.amazonaws.com");
  EXPECT_EQ(header(request, "x-amz-date"), "20130524T000000Z");
  EXPECT_EQ(header(request, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
  EXPECT_EQ(header(request, "x-amz-security-token"), "hunter2-token");
  EXPECT_THAT(header(request, "authorization"),
              HasSubstr("Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature="));
}

TEST(SignerTest, A_later_attempt_is_signed_as_if_it_were_the_first) {
  Signer signer("us-east-1");
  Credentials temporary = example_credentials();
  temporary.session_token = "hunter2-token";
  Request again = ranged_get();
  ASSERT_THAT(signer.sign(again, temporary, kUnsignedPayload, kMay24 - hours(1)), Succeeds());
  ASSERT_THAT(signer.sign(again, example_credentials(), kEmptyPayload, kMay24), Succeeds());

  Request first = ranged_get();
  ASSERT_THAT(signer.sign(first, example_credentials(), kEmptyPayload, kMay24), Succeeds());
  EXPECT_EQ(header(again, "authorization"), header(first, "authorization"));
  EXPECT_EQ(header(again, "x-amz-security-token"), "(none)");
}

TEST(SignerTest, An_anonymous_request_is_not_signed) {
  Credentials nobody;
  nobody.anonymous = true;
  Signer signer("us-east-1");
  Request request = ranged_get();
  ASSERT_THAT(signer.sign(request, example_credentials(), kUnsignedPayload, kMay24), Succeeds());
  ASSERT_THAT(signer.sign(request, nobody, kUnsignedPayload, kMay24), Succeeds());
  ASSERT_EQ(request.headers.size(), 2U);
  EXPECT_EQ(header(request, "Range"), "bytes=0-9");
  EXPECT_EQ(header(request, "host"), "examplebucket.s3.amazonaws.com");
}

TEST(SignerTest, What_others_change_on_the_way_is_not_signed) {
  Request request = ranged_get();
  for (const char* name : {"User-Agent", "Expect", "Connection", "Accept-Encoding", "Transfer-Encoding"}) {
    request.headers.push_back({name, "x"});
  }
  ASSERT_THAT(Signer("us-east-1").sign(request, example_credentials(), kEmptyPayload, kMay24), Succeeds());
  EXPECT_THAT(header(request, "authorization"),
              EndsWith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

std::string authorization_of(const Signer& signer, const Credentials& credentials, sys_seconds time) {
  Request request = ranged_get();
  EXPECT_THAT(signer.sign(request, credentials, kEmptyPayload, time), Succeeds());
  return header(request, "authorization");
}

TEST(SignerTest, The_kept_key_serves_one_day_and_one_pair_of_keys) {
  Credentials other = example_credentials();
  other.secret_key += "x";
  Signer kept("us-east-1");
  for (int round = 0; round < 2; ++round) {
    for (const Credentials& credentials : {example_credentials(), other}) {
      for (hours later : {hours(0), hours(23), hours(24)}) {
        EXPECT_EQ(authorization_of(kept, credentials, kMay24 + later),
                  authorization_of(Signer("us-east-1"), credentials, kMay24 + later));
      }
    }
  }
}

TEST(SignerTest, Threads_sign_at_once_over_a_change_of_the_day) {
  Signer signer("us-east-1");
  std::vector<std::string> expected;
  for (int day = 0; day < 2; ++day) {
    expected.push_back(authorization_of(Signer("us-east-1"), example_credentials(), kMay24 + hours(24 * day)));
  }
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(authorization_of(signer, example_credentials(), kMay24 + hours(24 * (i % 2))), expected[i % 2]);
      }
    });
  }
}

TEST(SignerTest, Shows_no_secret) {
  Request request = ranged_get();
  ASSERT_THAT(Signer("us-east-1").sign(request, example_credentials(), kUnsignedPayload, kMay24), Succeeds());
  for (const Header& header : request.headers) {
    EXPECT_THAT(header.value, Not(HasSubstr(example_credentials().secret_key)));
  }
}

}  // namespace
}  // namespace scabbard::s3
