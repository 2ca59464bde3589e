// A copy to S3 that is killed in the middle, and what the next one makes of what it has left on the server.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "cli/command_test.hpp"
#include "support/byte_patterns.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/secrets.hpp"
#include "support/source_file.hpp"

namespace scabbard::cli {
namespace {

using namespace std::chrono_literals;
using scripted::Phase;
using scripted::Rule;
using scripted::ScriptedServer;

constexpr int kParts = 5;
constexpr int kStalled = 4;  // the part that is never answered, while its writer lives

Rule one_part_stalls() {
  Rule rule;
  rule.on.kind = "upload_part";
  rule.on.query = {"partNumber", std::to_string(kStalled)};
  rule.on.last = 1;
  rule.interruption.emplace().where = Phase::kRequestHead;  // a stall, as it is by default
  return rule;
}

// Signed parts are sent from memory, unsigned ones straight from the file.
class DeadUploadTest : public CommandTest, public ::testing::WithParamInterface<const char*> {
 protected:
  DeadUploadTest() {
    make_folder("state");
    EXPECT_THAT(
        run({"init", "store", "--url", "s3://bucket", "--option", "Endpoint=" + server_.url(), "--option",
             "Region=us-east-1", "--option", "PartSize=5MiB", "--option", std::string("PayloadSigning=") + GetParam()}),
        EndsWith(0));
  }

  With with() const {
    return {.environment = {"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SESSION_TOKEN=hunter2-token",
                            "SCABBARD_STATE=" + path("state")}};
  }

  // On return all parts but one are sent, and the writer is dead.
  void kill_a_copy() {
    const Running copy = start({"cp", source_.path(), "store/folder/object"}, with());
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (noted_parts() < kParts - 1) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();  // for what another process writes there is no event
    }
    EXPECT_THAT(files_with_secret(path("state")), ::testing::IsEmpty());
  }

  int noted_parts() const {
    int parts = 0;
    for (const std::string& name : files_below("state")) {
      const std::string text = name.ends_with(".upload") ? read("state/" + name) : "";
      parts += static_cast<int>(std::ranges::count(text, '\n')) - 1;
    }
    return parts;
  }

  std::uint64_t count(const std::string& kind) const {
    const auto by_kind = server_.seen().by_kind;
    return by_kind.contains(kind) ? by_kind.at(kind) : 0;
  }

  const Bytes bytes_ = pattern_bytes(1, kParts*(std::size_t{5} << 20) - 1000);
  SourceFile source_{bytes_};  // on a disk: in /dev/shm nobody can tell what lies in memory
  ScriptedServer server_{{.rules = {one_part_stalls()}}};
};

TEST_P(DeadUploadTest, Goes_on_where_it_ended) {
  kill_a_copy();
  EXPECT_THAT(run({"cp", source_.path(), "store/folder/object"}, with()), EndsWith(0));
  EXPECT_EQ(count("upload_part"), kParts + 1);
  EXPECT_EQ(count("create_multipart_upload"), 1);
  EXPECT_EQ(server_.s3().object("folder/object"), to_text(bytes_));
}

TEST_P(DeadUploadTest, Of_a_source_that_was_written_to_since_begins_anew) {
  kill_a_copy();
  const Bytes other = pattern_bytes(2, bytes_.size());
  source_.write(0, other);
  EXPECT_THAT(run({"cp", source_.path(), "store/folder/object"}, with()), EndsWith(0));
  EXPECT_EQ(count("create_multipart_upload"), 2);
  EXPECT_EQ(count("abort_multipart_upload"), 1);
  EXPECT_EQ(noted_parts(), 0);
  EXPECT_EQ(server_.s3().object("folder/object"), to_text(other));
}

TEST_P(DeadUploadTest, Is_given_up_when_its_folder_is_removed) {
  kill_a_copy();
  server_.s3().add_object("folder/other", std::string());
  EXPECT_THAT(run({"rm", "-r", "store/folder"}, with()), EndsWith(0));
  EXPECT_EQ(count("abort_multipart_upload"), 1);
  EXPECT_EQ(noted_parts(), 0);
}

TEST_P(DeadUploadTest, Is_shown_with_what_it_takes) {
  kill_a_copy();
  const auto lines = json_lines(run({"du", "--uploads", "--json", "store/folder"}, with()).out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["location"], path("store/folder/object"));
  EXPECT_EQ(lines[0]["bytes"], bytes_.size() - (std::size_t{5} << 20));
  EXPECT_EQ(lines[1],
            (nlohmann::json{{"location", path("store/folder")}, {"uploads", 1}, {"bytes", lines[0]["bytes"]}}));
  EXPECT_THAT(run({"du", "--uploads", "store/fold"}, with()).out, ::testing::HasSubstr("0 uploads"));
}

TEST_P(DeadUploadTest, Is_given_up_when_that_is_asked_for_and_it_is_old_enough) {
  kill_a_copy();
  EXPECT_THAT(run({"rm", "--uploads", "store"}, with()), Fails(2, "--older-than"));
  EXPECT_THAT(run({"rm", "--uploads", "--older-than", "soon", "store"}, with()), Fails(2, "such as"));
  EXPECT_THAT(run({"rm", "--uploads", "--older-than", "1h", "store"}, with()), EndsWith(0));
  EXPECT_THAT(run({"rm", "-n", "--uploads", "--older-than", "1ns", "store"}, with()).out,
              ::testing::HasSubstr("would give up the upload of " + path("store/folder/object")));
  EXPECT_EQ(count("abort_multipart_upload"), 0);
  EXPECT_THAT(run({"rm", "--uploads", "--older-than", "1ns", "store/folder/object"}, with()), EndsWith(0));
  EXPECT_EQ(count("abort_multipart_upload"), 1);
  EXPECT_EQ(json_lines(run({"du", "--uploads", "--json", "store"}, with()).out).size(), 1U);
}

// Its journal does not know of that yet.
TEST_P(DeadUploadTest, That_somebody_has_given_up_begins_anew) {
  kill_a_copy();
  EXPECT_THAT(run({"rm", "--uploads", "--older-than", "1ns", "store"}, with()), EndsWith(0));
  EXPECT_THAT(run({"cp", source_.path(), "store/folder/object"}, with()), EndsWith(0));
  EXPECT_EQ(count("create_multipart_upload"), 2);
  EXPECT_EQ(server_.s3().object("folder/object"), to_text(bytes_));
}

TEST_P(DeadUploadTest, Of_another_machine_is_left_alone) {
  kill_a_copy();
  With elsewhere = with();
  elsewhere.environment.back() = "SCABBARD_STATE=" + path("other");
  EXPECT_THAT(run({"cp", source_.path(), "store/folder/object"}, elsewhere), EndsWith(0));
  EXPECT_THAT(run({"rm", "-r", "store/folder"}, elsewhere), EndsWith(0));
  EXPECT_EQ(count("create_multipart_upload"), 2);
  EXPECT_EQ(count("abort_multipart_upload"), 0);
}

INSTANTIATE_TEST_SUITE_P(Parts, DeadUploadTest, ::testing::Values("always", "never"),
                         [](const auto& signing) { return std::string(signing.param) + "_signed"; });

}  // namespace
}  // namespace scabbard::cli
