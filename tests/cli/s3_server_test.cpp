// The command line on a bucket of a real server.
#include "cli/command_test.hpp"
#include "scabbard/store.hpp"
#include "support/byte_patterns.hpp"
#include "support/environment_variable.hpp"
#include "support/result_matchers.hpp"
#include "support/server_process.hpp"

namespace scabbard::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class S3ServerTest : public CommandTest {
 protected:
  S3ServerTest() {
    write("credentials", "[default]\naws_access_key_id = " + server_.access_key() +
                             "\naws_secret_access_key = " + server_.secret_key() + "\n");
    EXPECT_THAT(
        run({"init", "store", "--url", url_, "--option", "Endpoint=" + server_.url(), "--option", "Region=us-east-1",
             "--option", "CredentialsFile=" + path("credentials"), "--option", "PartSize=5MiB"}),
        EndsWith(0));
  }
  ~S3ServerTest() override { run({"rm", "-r", "--whole-store", "store"}); }

  static ServerProcess& server() { return ServerProcess::shared(ServerKind::kVersitygw, Transport::kHttp); }

  const ServerProcess& server_ = server();
  const std::string url_ = "s3://" + std::string(ServerProcess::kBucket) + "/command-line";
};

TEST_F(S3ServerTest, Objects_go_up_are_looked_at_come_down_and_are_removed) {
  const std::string large = to_text(pattern_bytes(1, std::size_t{12} << 20));
  write("folder/large", large);
  write("folder/sub/small", "small");
  EXPECT_THAT(run({"cp", "-qr", "folder", "store"}), Succeeds());
  EXPECT_EQ(out_of({"ls", "-r", "store"}), "folder/large\nfolder/sub/small\n");
  EXPECT_EQ(json_of({"stat", "--json", "store/folder/large"}).front()["size"], large.size());
  EXPECT_EQ(out_of({"cat", "store/folder/sub/small"}), "small");
  EXPECT_EQ(json_of({"du", "-s", "--json", "store"}).front()["bytes"], large.size() + 5);
  EXPECT_THAT(run({"cp", "-qr", "store/folder", "back"}), Succeeds());
  EXPECT_EQ(read("back/large"), large);
  EXPECT_EQ(read("back/sub/small"), "small");
  const Outcome removed = run({"rm", "-r", "--stats", "store/folder"});
  EXPECT_THAT(removed, EndsWith(0));
  EXPECT_THAT(removed.err, HasSubstr(" 4 requests, "));
  EXPECT_EQ(out_of({"ls", "-r", "store"}), "");
  const Outcome missing = run({"stat", "-q", "--stats", "store/folder/large"});
  EXPECT_THAT(missing, EndsWith(4));
  EXPECT_THAT(missing.err, HasSubstr(" 0 failures, "));
}

TEST_F(S3ServerTest, Unfinished_upload_is_shown_and_given_up) {
  const EnvironmentVariable state("SCABBARD_STATE", path("state"));
  const auto store = value_of(open_store({.name = "", .path = path("store"), .meta = {}}));
  auto writer = value_of(store->create({}, "folder/object"));
  value_of(writer->write({}, pattern_bytes(1, std::size_t{12} << 20)));
  const auto uploads = json_of({"du", "--uploads", "--json", "store/folder"});
  ASSERT_THAT(uploads, SizeIs(2));
  EXPECT_EQ(uploads[0]["location"], path("store/folder/object"));
  EXPECT_THAT(json_of({"du", "--uploads", "--json", "store/other"}), SizeIs(1));
  EXPECT_THAT(json_of({"rm", "--uploads", "--older-than", "1d", "--json", "store"}), SizeIs(0));
  EXPECT_THAT(json_of({"rm", "--uploads", "--older-than", "1ns", "--json", "store/folder/object"}), SizeIs(1));
  EXPECT_THAT(json_of({"du", "--uploads", "--json", "store"}), SizeIs(1));
  EXPECT_FALSE(writer->finish({}));
}

// A server that is down is asked again for minutes: whoever waits is told, in the way of the command's other lines.
TEST_F(CommandTest, Outage_is_told_while_it_lasts) {
  ServerProcess server(ServerKind::kVersitygw, Transport::kHttp);
  EXPECT_THAT(run({"init", "-q", "store", "--url", "s3://" + std::string(ServerProcess::kBucket), "--option",
                   "Endpoint=" + server.url(), "--option", "Timeout=3s"}),
              Succeeds());
  server.kill();
  const With keys = {
      .environment = {"AWS_ACCESS_KEY_ID=" + server.access_key(), "AWS_SECRET_ACCESS_KEY=" + server.secret_key()}};
  Running plain = start({"stat", "store/object"}, keys);
  Running json = start({"stat", "--json", "store/object"}, keys);
  Running quiet = start({"stat", "--quiet", "store/object"}, keys);
  EXPECT_THAT(plain.wait(), Fails(5, "does not answer"));
  const auto lines = json_lines(json.wait().err);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines[0]["message"].get<std::string>(), HasSubstr("it is asked again for 0:03"));
  EXPECT_EQ(lines[1]["exit_status"], 5);
  EXPECT_THAT(quiet.wait().err, ::testing::Not(HasSubstr("it is asked again for")));
}

}  // namespace
}  // namespace scabbard::cli
