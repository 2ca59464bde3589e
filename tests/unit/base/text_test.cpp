#include "base/text.hpp"

#include <gmock/gmock.h>

#include <array>

namespace scabbard {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(QuoteTest, Keeps_plain_and_unicode_text) {
  EXPECT_EQ(quote("sealed/s-t01000-7"), "\"sealed/s-t01000-7\"");
  EXPECT_EQ(quote("扇区"), "\"扇区\"");
}

TEST(QuoteTest, Escapes_what_would_break_a_line) {
  EXPECT_EQ(quote("a\nb\"c\\d\x7f"), R"("a\u000ab\"c\\d\u007f")");
  EXPECT_EQ(quote("\x1b[31m"), R"("\u001b[31m")");
  EXPECT_EQ(quote("\xff\xc0\xaf\xed\xa0\x80"), R"("\u00ff\u00c0\u00af\u00ed\u00a0\u0080")");
}

TEST(QuoteTest, Escapes_what_commands_a_terminal_in_more_than_a_byte) {
  EXPECT_EQ(quote("a\u009bb\u202ec\u2066"), R"("a\u009bb\u202ec\u2066")");
}

TEST(PrintableTest, Escapes_commands_and_nothing_else) {
  EXPECT_EQ(printable("a \"b\" c:\\d 扇区"), "a \"b\" c:\\d 扇区");
  EXPECT_EQ(printable("\x1b[2J\n\xff"), R"(\u001b[2J\u000a\u00ff)");
}

TEST(Utf8Test, Is_told_from_other_bytes) {
  EXPECT_TRUE(is_utf8("扇区/s-t01000-7"));
  for (std::string_view text : {"\xff", "a\xc0\xaf", "\xed\xa0\x80"}) EXPECT_FALSE(is_utf8(text));
}

TEST(QuoteTest, Leaves_out_the_middle_of_long_text) {
  std::string text(1000, 'x');
  EXPECT_LT(quote(text).size(), 210U);
  EXPECT_THAT(quote(text), HasSubstr("..."));
  EXPECT_EQ(quote(text, std::string_view::npos).size(), 1002U);
}

TEST(RedactedTest, Takes_the_user_part_out_of_urls) {
  EXPECT_EQ(redacted("get https://user:pass@host:9000/b?x=1"), "get https://***@host:9000/b?x=1");
  EXPECT_EQ(redacted("s3://a:b@c@host"), "s3://***@host");
  EXPECT_EQ(redacted("https://host/p@th"), "https://host/p@th");
}

TEST(RedactedTest, Takes_out_the_values_of_keys_that_name_a_secret) {
  for (std::string_view text :
       {"aws_secret_access_key = hunter2", "\"SecretKey\": \"hunter2\"", "X-Amz-Security-Token: hunter2",
        "password=hunter2&x=1", "Authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature=hunter2",
        "{\"session_token\":\"hunter2\",\"b\":1}", "Signature=hunter2"}) {
    EXPECT_THAT(redacted(text), Not(HasSubstr("hunter2"))) << text;
  }
}

TEST(RedactedTest, Takes_out_access_key_ids) { EXPECT_EQ(redacted("key AKIAIOSFODNN7EXAMPLE used"), "key *** used"); }

TEST(RedactedTest, Leaves_other_text_alone) {
  for (std::string_view text :
       {"stat \"sealed/s-t01000-7\": not found", "CredentialsFile = /etc/scabbard/credentials",
        "read \"/root/.aws/credentials\": No such file", "the token expired", "", "://", "tokens"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(NearestTest, Finds_the_word_that_was_meant) {
  constexpr std::array<std::string_view, 3> kWords = {"Timeout", "PartSize", "Url"};
  EXPECT_EQ(nearest("timeot", kWords), "Timeout");
  EXPECT_EQ(nearest("PARTSIZ", kWords), "PartSize");
  EXPECT_EQ(nearest("Uri", kWords), "Url");
  EXPECT_EQ(nearest("Something", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
}

}  // namespace
}  // namespace scabbard
