// A file that is written to while it is sent straight from the page cache: no object is made of both contents.
#include <gtest/gtest.h>

#include <future>

#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/source_file.hpp"
#include "support/store_on_server.hpp"

namespace scabbard {
namespace {

using scripted::Phase;
using scripted::Rule;
using scripted::ScriptedServer;

TEST(ChangedSource, Makes_no_object_though_all_parts_were_under_way) {
  Rule stall;
  stall.on.kind = "upload_part";
  stall.on.query = {"partNumber", "2"};
  stall.interruption.emplace().where = Phase::kRequestHead;
  ScriptedServer server({.rules = {stall}});
  const StoreOnServer store(server, {{"PartSize", "5MiB"}, {"PayloadSigning", "never"}});
  SourceFile source(pattern_bytes(1, std::size_t{12} << 20));

  auto put =
      std::async(std::launch::async, [&] { return store->put_file({}, "object", source.whole(), CreateOptions{}); });
  ASSERT_TRUE(server.wait_until_stalling());
  source.write(std::uint64_t{6} << 20, pattern_bytes(2, 1000));
  server.release();
  EXPECT_THAT(put.get(), FailsWith(ErrorCode::kChanged));
  EXPECT_FALSE(server.s3().object("object"));
}

}  // namespace
}  // namespace scabbard
