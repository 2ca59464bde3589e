// A store that is configured read-only changes nothing.
#include "conformance/store_test.hpp"
#include "support/source_file.hpp"

namespace scabbard {
namespace {

using ::testing::AnyOf;

TEST_P(Conformance, Read_only_store_refuses_every_change_and_leaves_everything) {
  value_of(put("object", "text"));
  const auto read_only = place().open({.read_only = true});
  EXPECT_TRUE(read_only->config().read_only);
  const SourceFile source(to_bytes("other"));
  for (const char* object : {"object", "new", "folder/new"}) {
    SCOPED_TRACE(object);
    EXPECT_THAT(read_only->create(ctx(), object), FailsWith(ErrorCode::kReadOnly));
    EXPECT_THAT(read_only->create(ctx(), object, kExclusively), FailsWith(ErrorCode::kReadOnly));
    EXPECT_THAT(read_only->put_file(ctx(), object, source.whole()), FailsWith(ErrorCode::kReadOnly));
    EXPECT_THAT(read_only->remove(ctx(), object), FailsWith(ErrorCode::kReadOnly));
    EXPECT_THAT(read_only->copy_from(ctx(), object, store(), "object"),
                AnyOf(FailsWith(ErrorCode::kReadOnly), FailsWith(ErrorCode::kUnsupported)));
  }
  EXPECT_THAT(read_only->remove_folder(ctx(), "folder"), FailsWith(ErrorCode::kReadOnly));
  EXPECT_THAT(names({.folder = {}, .recursive = false}), Gives(::testing::ElementsAre("object")));
  EXPECT_THAT(get("object"), Gives("text"));
}

TEST_P(Conformance, Read_only_store_reads) {
  value_of(put("folder/object", "text"));
  const auto read_only = place().open({.read_only = true});
  EXPECT_THAT(get_text(*read_only, ctx(), "folder/object"), Gives("text"));
  EXPECT_EQ(value_of(read_only->stat(ctx(), "folder/object")).size, 4U);
  EXPECT_THAT(list_names(*read_only, ctx()), Gives(::testing::ElementsAre("folder/object")));
  EXPECT_THAT(read_only->space(ctx()), Succeeds());
  EXPECT_THAT(read_only->stat(ctx(), "missing"), FailsWith(ErrorCode::kNotFound));
}

TEST_P(Conformance, Read_only_store_may_be_copied_from) {
  value_of(put("object", "text"));
  const auto read_only = place().open({.read_only = true});
  const auto copied = store().copy_from(ctx(), "copy", *read_only, "object");
  if (copied) {
    EXPECT_THAT(get("copy"), Gives("text"));
  } else {
    EXPECT_THAT(copied, FailsWith(ErrorCode::kUnsupported));
  }
}

}  // namespace
}  // namespace scabbard
