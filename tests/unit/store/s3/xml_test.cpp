#include "store/s3/xml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "store/s3/service_errors.hpp"
#include "support/result_matchers.hpp"

namespace scabbard::s3 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

// All of these are something else than every parser expects, or are cut.
const std::vector<std::string> kNoAnswers = {"",
                                             " ",
                                             "<",
                                             "text",
                                             "<html><body>502</body></html>",
                                             "<Error>",
                                             "{\"Code\": \"AccessDenied\"}",
                                             "<ListBucketResult><Contents>"};

TEST(S3Xml, Error_is_read_with_code_message_region_and_request) {
  const ServiceError error = parse_error_body(
      "<?xml version=\"1.0\"?>\n<Error><Code>PermanentRedirect</Code><Message>a &amp; b</Message>"
      "<Region>eu-west-1</Region><RequestId>1A</RequestId></Error>");
  EXPECT_EQ(error.code, "PermanentRedirect");
  EXPECT_EQ(error.message, "a & b");
  EXPECT_EQ(error.region, "eu-west-1");
  EXPECT_EQ(error.request_id, "1A");
}

TEST(S3Xml, Body_that_is_no_error_has_no_code) {
  for (const std::string& text : kNoAnswers) EXPECT_THAT(parse_error_body(text).code, IsEmpty()) << text;
}

TEST(S3Xml, Answers_that_are_something_else_are_failures) {
  for (const std::string& text : kNoAnswers) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(parse_upload_id(text));
    EXPECT_FALSE(parse_etag(text));
    EXPECT_FALSE(parse_list_page(text));
    EXPECT_FALSE(parse_parts_page(text));
    EXPECT_FALSE(parse_delete_result(text));
  }
}

TEST(S3Xml, Upload_id_and_ETag_are_read) {
  EXPECT_THAT(parse_upload_id("<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                              "<UploadId>2~abc</UploadId></InitiateMultipartUploadResult>"),
              Gives("2~abc"));
  EXPECT_FALSE(parse_upload_id("<InitiateMultipartUploadResult/>"));
  // After white space, which a server sends while it puts parts together.
  EXPECT_THAT(parse_etag("\n \n<CompleteMultipartUploadResult><ETag>&quot;0123-4&quot;</ETag>"
                         "</CompleteMultipartUploadResult>"),
              Gives("0123-4"));
  EXPECT_THAT(parse_etag("<CopyObjectResult><ETag>0123</ETag></CopyObjectResult>"), Gives("0123"));
  EXPECT_THAT(parse_etag("<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>"), Gives(""));
  EXPECT_FALSE(parse_etag("<CopyObjectResult><ETag></ETag></CopyObjectResult>"));
  EXPECT_FALSE(parse_etag("<Error><Code>InternalError</Code></Error>"));
}

TEST(S3Xml, Listing_has_objects_folders_and_where_it_goes_on) {
  const auto page = parse_list_page(
      "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>1/a+b%20</NextContinuationToken>"
      "<Contents><Key>a+b%2B%C3%A9</Key><Size>68719476736</Size><ETag>\"0123\"</ETag>"
      "<LastModified>2026-11-25T08:00:00.250Z</LastModified></Contents>"
      "<CommonPrefixes><Prefix>cache/</Prefix></CommonPrefixes></ListBucketResult>");
  ASSERT_THAT(page, Succeeds());
  ASSERT_THAT(page->objects, SizeIs(1));
  EXPECT_EQ(page->objects[0].key, "a b+\xC3\xA9");
  EXPECT_EQ(page->objects[0].size, 68'719'476'736U);
  EXPECT_EQ(page->objects[0].etag, "0123");
  EXPECT_EQ(page->objects[0].modified, std::chrono::sys_days(2026y / 11 / 25) + 8h + 250ms);
  EXPECT_THAT(page->prefixes, ElementsAre("cache/"));
  EXPECT_EQ(page->next, "1/a+b%20") << "only keys are encoded";
}

TEST(S3Xml, Listing_that_does_not_say_that_it_is_encoded_is_taken_as_it_is) {
  const auto page =
      parse_list_page("<ListBucketResult><Contents><Key>a+b%2B</Key><Size>1</Size></Contents></ListBucketResult>");
  ASSERT_THAT(page, Succeeds());
  EXPECT_EQ(page->objects.at(0).key, "a+b%2B");
  EXPECT_THAT(page->next, IsEmpty());
}

TEST(S3Xml, Listing_of_uploads_goes_on_at_a_key_and_an_upload) {
  const auto page = parse_list_page(
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextKeyMarker>a%20b</NextKeyMarker><NextUploadIdMarker>2~x</NextUploadIdMarker>"
      "<Upload><Key>a%20b</Key><UploadId>2~x</UploadId><Initiated>2026-11-25T08:00:00Z</Initiated></Upload>"
      "</ListMultipartUploadsResult>");
  ASSERT_THAT(page, Succeeds());
  ASSERT_THAT(page->uploads, SizeIs(1));
  EXPECT_EQ(page->uploads[0].key, "a b");
  EXPECT_EQ(page->uploads[0].id, "2~x");
  EXPECT_EQ(page->uploads[0].initiated, std::chrono::sys_days(2026y / 11 / 25) + 8h);
  EXPECT_EQ(page->next, "a b");
  EXPECT_EQ(page->next_upload, "2~x");
}

TEST(S3Xml, Listings_that_would_be_misread_are_failures) {
  for (const char* content : {"<IsTruncated>true</IsTruncated>",                   // and not where it goes on
                              "<IsTruncated>1</IsTruncated>",                      // which might be either
                              "<Contents><Key>a</Key></Contents>",                 // no size
                              "<Contents><Key>a</Key><Size>-1</Size></Contents>",  // nonsense
                              "<Contents><Key>a</Key><Size>18446744073709551616</Size></Contents>",  // too large
                              "<Contents><Key>a&#0;b</Key><Size>1</Size></Contents>",                // a NUL
                              "<Contents><Key>a&#x00;b</Key><Size>1</Size></Contents>",              // likewise
                              "<EncodingType>url</EncodingType><Contents><Key>%zz</Key><Size>1</Size></Contents>"}) {
    EXPECT_FALSE(parse_list_page("<ListBucketResult>" + std::string(content) + "</ListBucketResult>")) << content;
  }
  EXPECT_FALSE(parse_list_page("<!DOCTYPE a [<!ENTITY e \"f\">]><ListBucketResult/>"));
}

TEST(S3Xml, Parts_are_summed_up) {
  const auto page = parse_parts_page(
      "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>"
      "<Part><Size>5</Size></Part><Part><Size>7</Size></Part></ListPartsResult>");
  ASSERT_THAT(page, Succeeds());
  EXPECT_EQ(page->bytes, 12U);
  EXPECT_EQ(page->next, "2");
  EXPECT_FALSE(parse_parts_page("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"));
}

TEST(S3Xml, Text_is_what_a_document_can_carry) {
  EXPECT_TRUE(is_xml_text("a/b \xC3\xA4 \xEF\xBF\xBD"));
  EXPECT_FALSE(is_xml_text("\x01"));
  EXPECT_FALSE(is_xml_text("\xFF"));
  EXPECT_FALSE(is_xml_text("\xEF\xBF\xBE")) << "U+FFFE";
  EXPECT_FALSE(is_xml_text("\xEF\xBF\xBF")) << "U+FFFF";
}

TEST(S3Xml, Keys_in_a_removal_are_told_from_markup) {
  const std::vector<std::string> keys = {"a", "b<&>\"'"};
  EXPECT_EQ(delete_objects_body(keys),
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
            "<Object><Key>a</Key></Object><Object><Key>b&lt;&amp;&gt;\"'</Key></Object></Delete>");
  EXPECT_THAT(parse_delete_result("<DeleteResult><Error><Key>b&lt;&amp;&gt;\"'</Key><Code>AccessDenied</Code></Error>"
                                  "</DeleteResult>"),
              Gives(ElementsAre("b<&>\"'")));
  EXPECT_THAT(parse_delete_result("<DeleteResult/>"), Gives(IsEmpty()));
}

TEST(S3Xml, Times_are_read_to_the_millisecond) {
  const auto morning = std::chrono::sys_days(2026y / 11 / 25) + 8h;
  EXPECT_EQ(parse_iso_time("2026-11-25T08:00:00Z"), morning);
  EXPECT_EQ(parse_iso_time("2026-11-25T08:00:00.123456Z"), morning + 123ms);
  EXPECT_EQ(parse_iso_time("2026-11-25T08:00:00."), morning);
}

TEST(S3Xml, Time_that_is_none_or_that_the_clock_does_not_hold_is_the_epoch) {
  for (const char* text : {"", "yesterday", "2026-11-25", "1013-11-25T08:00:00Z", "1969-12-31T23:59:59Z",
                           "2262-04-12T00:00:00Z", "9999-12-31T23:59:59.999Z"}) {
    EXPECT_EQ(parse_iso_time(text), std::chrono::system_clock::time_point{}) << text;
  }
}

}  // namespace
}  // namespace scabbard::s3
