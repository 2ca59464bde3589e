// The command line on a store in a bucket, as on one in a folder.
#include "cli/command_test.hpp"
#include "support/scripted_server/scripted_server.hpp"

namespace scabbard::cli {
namespace {

using scripted::ScriptedServer;
using ::testing::HasSubstr;

class S3Test : public CommandTest {
 protected:
  S3Test() {
    EXPECT_THAT(run({"init", "store", "--url", "s3://bucket/prefix", "--option", "Endpoint=" + server_.url(),
                     "--option", "Region=us-east-1"}),
                EndsWith(0));
    write("folder/a", "first");
    write("folder/sub/b", "second one");
  }

  Outcome on_s3(const std::vector<std::string>& arguments) const {
    return run(arguments, {.environment = {"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=hunter2"}});
  }
  void fill() const { ASSERT_THAT(on_s3({"cp", "-r", "folder", "store"}), EndsWith(0)); }
  std::uint64_t count(const std::string& kind) const {
    const auto by_kind = server_.seen().by_kind;
    return by_kind.contains(kind) ? by_kind.at(kind) : 0;
  }

  ScriptedServer server_;
};

TEST_F(S3Test, Copies_go_up_and_down) {
  fill();
  EXPECT_EQ(server_.s3().object("prefix/folder/a"), "first");
  EXPECT_EQ(on_s3({"cat", "store/folder/sub/b"}).out, "second one");
  EXPECT_THAT(on_s3({"cp", "-r", "store/folder", "back"}), EndsWith(0));
  EXPECT_EQ(read("back/a"), "first");
  EXPECT_EQ(read("back/sub/b"), "second one");
}

TEST_F(S3Test, Objects_are_listed_counted_and_looked_at) {
  fill();
  EXPECT_EQ(on_s3({"ls", "store/folder"}).out, "a\nsub/\n");
  EXPECT_EQ(json_lines(on_s3({"du", "-s", "--json", "store"}).out).front()["bytes"], 15);
  EXPECT_EQ(json_lines(on_s3({"stat", "--json", "store/folder/a"}).out).front()["size"], 5);
  EXPECT_THAT(on_s3({"stat", "store/folder/gone"}), Fails(4, "not found"));
}

TEST_F(S3Test, Folder_is_removed_with_one_request) {
  fill();
  EXPECT_THAT(on_s3({"rm", "-r", "store/folder"}), EndsWith(0));
  EXPECT_EQ(count("delete_objects"), 1U);
  EXPECT_EQ(count("delete_object"), 0U);
  EXPECT_FALSE(server_.s3().object("prefix/folder/a"));
}

TEST_F(S3Test, Stats_tell_what_was_asked_of_the_server) {
  fill();
  const Outcome listed = on_s3({"ls", "--stats", "store"});
  EXPECT_THAT(listed.err, HasSubstr("1 requests"));
  EXPECT_EQ(json_lines(on_s3({"cat", "--stats", "--json", "store/folder/a"}).err).front()["received_bytes"], 5);
}

// A server that does not say when an upload was begun says nothing of its age.
TEST_F(CommandTest, Upload_of_unknown_age_is_not_given_up) {
  scripted::Rule undated;
  undated.on.kind = "list_multipart_uploads";
  undated.answer = scripted::Answer{.status = 200,
                                    .headers = {},
                                    .body =
                                        "<ListMultipartUploadsResult><Upload><Key>object</Key><UploadId>id</UploadId>"
                                        "</Upload></ListMultipartUploadsResult>"};
  scripted::Rule parts;
  parts.on.kind = "list_parts";
  parts.answer = scripted::Answer{.status = 200, .headers = {}, .body = "<ListPartsResult></ListPartsResult>"};
  const ScriptedServer server({.rules = {undated, parts}});
  EXPECT_THAT(run({"init", "store", "--url", "s3://bucket", "--option", "Endpoint=" + server.url(), "--option",
                   "Region=us-east-1"}),
              EndsWith(0));
  const With keys = {.environment = {"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=hunter2"}};
  EXPECT_THAT(run({"rm", "--uploads", "--older-than", "1ns", "store"}, keys), Succeeds());
  EXPECT_FALSE(server.seen().by_kind.contains("abort_multipart_upload"));
}

}  // namespace
}  // namespace scabbard::cli
