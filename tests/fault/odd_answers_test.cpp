// What a store makes of a server that tells odd things of uploads, of what was written and of what there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/store_on_server.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {
namespace {

using scripted::Answer;
using scripted::Rule;
using scripted::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

Rule answered(std::string kind, int status, std::string body) {
  Rule rule;
  rule.on.kind = std::move(kind);
  rule.answer = Answer{.status = status, .headers = {}, .body = std::move(body)};
  return rule;
}

Rule one_upload(const std::string& initiated) {
  return answered("list_multipart_uploads", 200,
                  "<ListMultipartUploadsResult><Upload><Key>object</Key><UploadId>id</UploadId>" + initiated +
                      "</Upload></ListMultipartUploadsResult>");
}

TEST(UnfinishedWrites, Upload_that_ends_while_they_are_listed_is_left_out) {
  const ScriptedServer server({.rules = {one_upload("<Initiated>2026-11-25T08:00:00Z</Initiated>")}});
  StoreOnServer store(server);
  EXPECT_THAT(store->unfinished_writes(store.context()), Gives(IsEmpty()));
}

TEST(UnfinishedWrites, Upload_without_a_date_was_begun_at_the_epoch) {
  const ScriptedServer server(
      {.rules = {one_upload(""), answered("list_parts", 200, "<ListPartsResult></ListPartsResult>")}});
  StoreOnServer store(server);
  const auto writes = store->unfinished_writes(store.context());
  ASSERT_THAT(writes, Gives(SizeIs(1)));
  EXPECT_EQ(writes->front().begun, std::chrono::system_clock::time_point());
}

TEST(UnfinishedWrites, Parts_that_never_end_are_an_error) {
  const ScriptedServer server(
      {.rules = {one_upload(""), answered("list_parts", 200,
                                          "<ListPartsResult><IsTruncated>true</IsTruncated>"
                                          "<NextPartNumberMarker>7</NextPartNumberMarker></ListPartsResult>")}});
  StoreOnServer store(server);
  EXPECT_THAT(store->unfinished_writes(store.context()), FailsWith(ErrorCode::kUnavailable));
}

// The answer to a small PUT tells all that a look would.
constexpr std::size_t kNotSmall = 100'000;

// What a transfer makes an error of: nobody else writes a sector.
TEST(WriteInfo, Tells_that_another_object_was_there_right_afterwards) {
  Rule other;
  other.on.kind = "head_object";
  other.change.headers = {{"ETag", "\"of another\""}};
  for (const auto& [rules, is_replaced] : {std::pair{std::vector<Rule>{other}, true}, {{}, false}}) {
    const ScriptedServer server({.rules = rules});
    StoreOnServer store(server);
    auto writer = value_of(store->create(store.context(), "object"));
    ASSERT_THAT(writer->write(store.context(), pattern_bytes(1, kNotSmall)), Succeeds());
    EXPECT_EQ(value_of(writer->finish(store.context())).replaced, is_replaced);
  }
}

Rule listed(const std::string& content) {
  return answered("list_objects", 200,
                  "<ListBucketResult><IsTruncated>false</IsTruncated>" + content + "</ListBucketResult>");
}
std::string key(const std::string& text) {
  return "<Contents><Key>" + text +
         "</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>1</Size></Contents>";
}

// Or it would be left behind in silence by a copy or a removal of all.
TEST(Listing, Key_that_is_no_name_is_told_of_where_others_are_wanted) {
  const ScriptedServer server({.rules = {listed(key("a/") + key("a//b") + key("a/c") + key("/d"))}});
  StoreOnServer store(server);
  EXPECT_THAT(list_names(*store, store.context()), Gives(ElementsAre("a/c")));
  const auto entries = value_of(list_entries(*store, store.context(), {.folder = {}, .others = true}));
  EXPECT_THAT(entries, ElementsAre(Pair("/d", Field(&ListEntry::is_other, true)),
                                   Pair("a//b", Field(&ListEntry::is_other, true)),
                                   Pair("a/c", Field(&ListEntry::is_other, false))));
}

}  // namespace
}  // namespace scabbard
