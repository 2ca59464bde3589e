#include "store/s3/credentials.hpp"

#include <gtest/gtest.h>

namespace scabbard::s3 {
namespace {

TEST(Credentials, Secrets_are_cut_out_of_what_a_server_says) {
  const Credentials credentials{
      .access_key = "KEY", .secret_key = "hunter2/secret", .session_token = "hunter2+token", .expires = {}};
  EXPECT_EQ(without_secrets("hunter2/secret of KEY, hunter2+token, hunter2/secret", credentials),
            "[redacted] of KEY, [redacted], [redacted]");
  EXPECT_EQ(without_secrets("nothing", credentials), "nothing");
}

TEST(Credentials, What_is_too_short_to_be_a_secret_is_none) {
  EXPECT_EQ(without_secrets("a word",
                            Credentials{.access_key = "KEY", .secret_key = "a", .session_token = {}, .expires = {}}),
            "a word");
}

}  // namespace
}  // namespace scabbard::s3
