// What the scripted server does where no rule says otherwise: a small, correct S3.
#include <gtest/gtest.h>

#include <memory>

#include "fault/raw_client.hpp"
#include "support/scripted_server/scripted_server.hpp"

namespace scabbard {
namespace {

using scripted::ScriptedServer;

class MemoryS3 : public ::testing::Test {
 protected:
  MemoryS3() { start({.least_part_size = 4}); }

  void start(scripted::MemoryS3::Settings s3) {
    client_.reset();
    server_ = std::make_unique<ScriptedServer>(scripted::Settings{.s3 = std::move(s3), .rules = {}});
    client_ = std::make_unique<RawClient>(server_->port());
  }

  RawAnswer ask(std::string_view method, std::string_view target, std::string_view headers = {},
                std::string_view body = {}) {
    return client_->ask(method, target, headers, body);
  }
  int put(std::string_view target, std::string_view body) { return ask("PUT", target, {}, body).status; }

  static std::string between(const std::string& text, const std::string& before, const std::string& after) {
    const std::size_t start = text.find(before) + before.size();
    return text.substr(start, text.find(after, start) - start);
  }
  static int count(const std::string& text, const std::string& what) {
    int found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  }
  std::string begin_upload(const std::string& target) {
    return between(ask("POST", target + "?uploads").body, "<UploadId>", "</UploadId>");
  }
  static std::string part(int number, const std::string& etag) {
    return "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag + "</ETag></Part>";
  }
  RawAnswer complete(const std::string& target, const std::string& upload, const std::string& parts) {
    return ask("POST", target + "?uploadId=" + upload, {},
               "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>");
  }

  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<RawClient> client_;
};

TEST_F(MemoryS3, Object_comes_back_whole) {
  ASSERT_EQ(put("/bucket/a/b%20c", "hello world"), 200);
  const RawAnswer answer = ask("GET", "/bucket/a/b%20c");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello world");
  EXPECT_EQ(answer.header("ETag"), "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
  EXPECT_FALSE(answer.header("Last-Modified").empty());
  EXPECT_EQ(ask("HEAD", "/bucket/a/b%20c").header("Content-Length"), "11");
}

TEST_F(MemoryS3, Range_is_a_206_that_says_which) {
  put("/bucket/a", "0123456789");
  const RawAnswer middle = ask("GET", "/bucket/a", "Range: bytes=2-4\r\n");
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, "234");
  EXPECT_EQ(middle.header("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(ask("GET", "/bucket/a", "Range: bytes=-3\r\n").body, "789");
  EXPECT_EQ(ask("GET", "/bucket/a", "Range: bytes=8-\r\n").body, "89");
  EXPECT_EQ(ask("GET", "/bucket/a", "Range: bytes=8-100\r\n").header("Content-Range"), "bytes 8-9/10");
  const RawAnswer past = ask("GET", "/bucket/a", "Range: bytes=10-11\r\n");
  EXPECT_EQ(past.status, 416);
  EXPECT_EQ(past.header("Content-Range"), "bytes */10");
}

TEST_F(MemoryS3, Conditions_are_honoured) {
  EXPECT_EQ(ask("PUT", "/bucket/a", "If-None-Match: *\r\n", "one").status, 200);
  EXPECT_EQ(ask("PUT", "/bucket/a", "If-None-Match: *\r\n", "two").status, 412);
  const std::string etag = ask("HEAD", "/bucket/a").header("ETag");
  EXPECT_EQ(ask("GET", "/bucket/a", "If-Match: " + etag + "\r\n").body, "one");
  EXPECT_EQ(ask("GET", "/bucket/a", "If-Match: \"other\"\r\n").status, 412);
}

TEST_F(MemoryS3, What_is_missing_is_said_by_code) {
  EXPECT_NE(ask("GET", "/bucket/none").body.find("<Code>NoSuchKey</Code>"), std::string::npos);
  EXPECT_NE(ask("GET", "/other/none").body.find("<Code>NoSuchBucket</Code>"), std::string::npos);
  EXPECT_EQ(ask("HEAD", "/bucket/none").status, 404);
  EXPECT_NE(ask("PUT", "/bucket/a?partNumber=1&uploadId=none", {}, "x").body.find("<Code>NoSuchUpload</Code>"),
            std::string::npos);
  EXPECT_EQ(ask("PATCH", "/bucket/a").status, 501);
}

TEST_F(MemoryS3, Bucket_tells_its_region_by_path_and_by_host) {
  EXPECT_EQ(ask("HEAD", "/bucket").header("x-amz-bucket-region"), "us-east-1");
  put("/bucket/a", "by host");
  client_->send("GET /a HTTP/1.1\r\nHost: bucket.localhost:80\r\n\r\n");
  EXPECT_EQ(client_->read_answer().body, "by host");
}

TEST_F(MemoryS3, Removed_objects_are_gone) {
  for (const char* object : {"/bucket/a", "/bucket/b", "/bucket/c"}) put(object, "x");
  EXPECT_EQ(ask("DELETE", "/bucket/a").status, 204);
  EXPECT_EQ(ask("DELETE", "/bucket/a").status, 204);
  const RawAnswer batch = ask("POST", "/bucket?delete", {},
                              "<Delete><Object><Key>b</Key></Object><Object><Key>none</Key></Object></Delete>");
  EXPECT_EQ(count(batch.body, "<Deleted>"), 2);
  EXPECT_EQ(server_->s3().holding().objects, 1U);
}

TEST_F(MemoryS3, Listing_goes_page_by_page) {
  for (const char* object : {"/bucket/a/1", "/bucket/a/2", "/bucket/b", "/bucket/c%26"}) put(object, "x");
  const RawAnswer first = ask("GET", "/bucket?list-type=2&max-keys=3");
  EXPECT_EQ(count(first.body, "<Key>"), 3);
  EXPECT_NE(first.body.find("<IsTruncated>true<"), std::string::npos);
  const std::string token = between(first.body, "<NextContinuationToken>", "</NextContinuationToken>");
  const RawAnswer second = ask("GET", "/bucket?list-type=2&max-keys=3&continuation-token=" + token);
  EXPECT_EQ(between(second.body, "<Key>", "</Key>"), "c&amp;");
  EXPECT_NE(second.body.find("<IsTruncated>false<"), std::string::npos);
  EXPECT_EQ(between(ask("GET", "/bucket?list-type=2&encoding-type=url&prefix=c").body, "<Key>", "</Key>"), "c%26");
}

TEST_F(MemoryS3, Folders_of_a_listing_are_common_prefixes) {
  for (const char* object : {"/bucket/p/a/1", "/bucket/p/a/2", "/bucket/p/b", "/bucket/q"}) put(object, "x");
  const std::string body = ask("GET", "/bucket?list-type=2&delimiter=/&prefix=p/").body;
  EXPECT_EQ(between(body, "<CommonPrefixes><Prefix>", "</Prefix>"), "p/a/");
  EXPECT_EQ(count(body, "<CommonPrefixes>"), 1);
  EXPECT_EQ(between(body, "<Key>", "</Key>"), "p/b");
  EXPECT_EQ(count(body, "<Key>"), 1);
}

TEST_F(MemoryS3, Multipart_upload_is_one_object_once_completed) {
  const std::string upload = begin_upload("/bucket/big");
  const std::string target = "/bucket/big?uploadId=" + upload + "&partNumber=";
  const std::string second = ask("PUT", target + "2", {}, "56").header("ETag");
  const std::string first = ask("PUT", target + "1", {}, "01234").header("ETag");
  EXPECT_EQ(ask("GET", "/bucket/big").status, 404);
  EXPECT_EQ(count(ask("GET", "/bucket/big?uploadId=" + upload).body, "<Part>"), 2);
  EXPECT_EQ(count(ask("GET", "/bucket?uploads").body, "<Upload>"), 1);
  const RawAnswer done = complete("/bucket/big", upload, part(1, first) + part(2, second));
  EXPECT_EQ(done.status, 200);
  EXPECT_TRUE(between(done.body, "<ETag>", "</ETag>").ends_with("-2&quot;")) << done.body;
  EXPECT_EQ(ask("GET", "/bucket/big").body, "0123456");
  EXPECT_EQ(server_->s3().holding().uploads, 0U);
}

TEST_F(MemoryS3, Wrong_lists_of_parts_are_refused) {
  const std::string upload = begin_upload("/bucket/big");
  const std::string target = "/bucket/big?uploadId=" + upload + "&partNumber=";
  const std::string small = ask("PUT", target + "1", {}, "1").header("ETag");
  const std::string last = ask("PUT", target + "2", {}, "2").header("ETag");
  const auto code = [&](const std::string& parts) {
    return between(complete("/bucket/big", upload, parts).body, "<Code>", "</Code>");
  };
  EXPECT_EQ(code(part(1, small) + part(2, last)), "EntityTooSmall");
  EXPECT_EQ(code(part(2, last) + part(1, small)), "InvalidPartOrder");
  EXPECT_EQ(code(part(1, "\"wrong\"")), "InvalidPart");
  EXPECT_EQ(code(part(3, last)), "InvalidPart");
  EXPECT_EQ(code(""), "MalformedXML");
  EXPECT_EQ(ask("PUT", target + "10001", {}, "x").status, 400);
  EXPECT_EQ(ask("DELETE", "/bucket/big?uploadId=" + upload).status, 204);
  EXPECT_EQ(code(part(2, last)), "NoSuchUpload");
}

TEST_F(MemoryS3, Copies_stay_on_the_server) {
  put("/bucket/a", "0123456789");
  EXPECT_EQ(ask("PUT", "/bucket/b", "x-amz-copy-source: /bucket/a\r\n").status, 200);
  EXPECT_EQ(ask("GET", "/bucket/b").body, "0123456789");
  const std::string upload = begin_upload("/bucket/c");
  const RawAnswer copied = ask("PUT", "/bucket/c?partNumber=1&uploadId=" + upload,
                               "x-amz-copy-source: bucket/a\r\nx-amz-copy-source-range: bytes=1-4\r\n");
  complete("/bucket/c", upload, part(1, between(copied.body, "<ETag>", "</ETag>")));
  EXPECT_EQ(ask("GET", "/bucket/c").body, "1234");
  EXPECT_EQ(ask("PUT", "/bucket/d", "x-amz-copy-source: bucket/none\r\n").status, 404);
  EXPECT_EQ(ask("PUT", "/bucket/d", "x-amz-copy-source: bucket/a\r\nx-amz-copy-source-if-match: \"x\"\r\n").status,
            412);
}

TEST_F(MemoryS3, Sums_are_checked_and_told) {
  EXPECT_EQ(ask("PUT", "/bucket/a", "x-amz-checksum-crc32c: 4waSgw==\r\n", "123456789").status, 200);
  EXPECT_EQ(ask("PUT", "/bucket/a", "x-amz-checksum-crc32c: AAAAAA==\r\n", "123456789").status, 400);
  EXPECT_EQ(ask("PUT", "/bucket/a", "Content-MD5: XrY7u+Ae7tCTyyK7j1rNww==\r\n", "hello world!").status, 400);
  EXPECT_EQ(ask("PUT", "/bucket/a", "x-amz-content-sha256: " + std::string(64, '0') + "\r\n", "x").status, 400);
  EXPECT_EQ(ask("PUT", "/bucket/a", "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", "x").status, 200);
  start({.checksums = true});
  put("/bucket/a", "123456789");
  const std::string asked = "x-amz-checksum-mode: ENABLED\r\n";
  EXPECT_EQ(ask("GET", "/bucket/a", asked).header("x-amz-checksum-crc32c"), "4waSgw==");
  EXPECT_EQ(ask("GET", "/bucket/a", asked + "Range: bytes=0-3\r\n").header("x-amz-checksum-crc32c"), "");
  EXPECT_EQ(ask("GET", "/bucket/a").header("x-amz-checksum-crc32c"), "");
}

TEST_F(MemoryS3, Unsigned_requests_are_refused_where_it_is_told_so) {
  start({.signed_only = true});
  EXPECT_EQ(put("/bucket/a", "x"), 403);
  EXPECT_EQ(ask("PUT", "/bucket/a", "Authorization: anything\r\n", "x").status, 200);
}

TEST_F(MemoryS3, Discarded_uploads_are_counted_and_read_as_zeros) {
  start({.discard = true});
  const std::string upload = begin_upload("/bucket/big");
  const std::string body(3 << 20, 'x');
  std::string parts;
  for (int number = 1; number <= 3; ++number) {
    const std::string target = "/bucket/big?uploadId=" + upload + "&partNumber=" + std::to_string(number);
    parts += part(number, ask("PUT", target, {}, body).header("ETag"));
  }
  EXPECT_NE(complete("/bucket/big", upload, parts).body.find("EntityTooSmall"), std::string::npos);
  EXPECT_EQ(server_->s3().holding().bytes, 9U << 20);
  EXPECT_EQ(server_->s3().holding().parts, 3U);
  put("/bucket/small", "xyz");
  EXPECT_EQ(ask("GET", "/bucket/small").body, std::string(3, '\0'));
}

TEST_F(MemoryS3, What_it_cannot_read_ends_the_connection) {
  EXPECT_EQ(ask("GET", "no-slash").status, 400);
  EXPECT_EQ(client_->read_answer().ending, Ending::kClosed);
  EXPECT_EQ(RawClient(server_->port()).ask("PUT", "/bucket/a", "Transfer-Encoding: chunked\r\n").status, 400);
}

}  // namespace
}  // namespace scabbard
