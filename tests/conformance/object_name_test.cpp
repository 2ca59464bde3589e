// Any name is an object's own that store.hpp does not forbid, and what it forbids is refused by every call
// before anything is touched.
#include <unistd.h>

#include "conformance/store_test.hpp"

namespace scabbard {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string nested(std::size_t component, std::size_t length) {
  std::string name;
  while (name.size() < length) {
    if (name.size() % (component + 1) == component && name.size() + 1 < length) {
      name += '/';
    } else {
      name += static_cast<char>('a' + name.size() % 26);
    }
  }
  return name;
}

// Of ASCII, from the space to ~; the slash in it makes it an object in a folder.
std::string every_printable_character() {
  std::string name;
  for (char c = ' '; c <= '~'; ++c) name += c;
  return name;
}

std::vector<std::string> unusual_names() {
  return {
      every_printable_character(),
      "with space",
      " leading and trailing ",
      "per%cent",
      "%2F",
      "%2e%2e",
      "plus+plus",
      "a&b=c?d#e",
      "semi;colon:",
      "quote\"and'quote",
      "back\\slash",
      "star*[x]{y}",
      "tab\tand\nnewline",
      "~",
      "-dash",
      "$HOME",
      "`x`",
      "<xml>&amp;",
      "r\xC3\xA9sum\xC3\xA9",
      "re\xCC\x81sume\xCC\x81",
      "\xE5\xB0\x81\xE5\x8D\xB0/\xE6\x89\x87\xE5\x8C\xBA",
      "\xF0\x9F\x97\x84",
      "...",
      "..a",
      "a..",
      "a..b",
      ".hidden",
      ".scabbard/s-t01000-7.json",
      "folder.with.dots/.x",
      "scabbard-tmp-1",
      "below/sectorstore.json",
      "sectorstore.json.bak",
      "Case",
      "case",
      "CON",
      "trailing.",
  };
}

std::vector<std::string> malformed_names() {
  return {
      "",
      "/",
      "/leading",
      "trailing/",
      "a//b",
      "//",
      ".",
      "..",
      "./a",
      "../a",
      "a/.",
      "a/..",
      "a/./b",
      "a/../b",
      "../outside",
      "a/../../outside",
      std::string("nul\0inside", 10),
      std::string("\0", 1),
      std::string("a/\0/b", 5),
      ".scabbard-tmp-1",
      ".scabbard-tmp-",
      "folder/.scabbard-tmp-1",
      ".scabbard-tmp-folder/object",
  };
}

TEST_P(Conformance, Unusual_names_are_names_like_any_other) {
  std::set<std::string> expected;
  for (const std::string& name : unusual_names()) {
    SCOPED_TRACE(name);
    EXPECT_THAT(put(name, "content of " + name), Succeeds());
    expected.insert(name);
  }
  for (const std::string& name : unusual_names()) {
    SCOPED_TRACE(name);
    EXPECT_THAT(get(name), Gives("content of " + name));
    EXPECT_THAT(store().stat(ctx(), name), Succeeds());
  }
  EXPECT_THAT(names(), Gives(expected));
  for (const std::string& name : unusual_names()) EXPECT_THAT(store().remove(ctx(), name), Succeeds()) << name;
  EXPECT_THAT(names(), Gives(IsEmpty()));
}

TEST_P(Conformance, Malformed_and_reserved_names_are_invalid_everywhere) {
  value_of(put("a/b", "text"));
  std::vector<std::string> malformed = malformed_names();
  malformed.emplace_back("sectorstore.json");
  for (const std::string& name : malformed) {
    SCOPED_TRACE("name \"" + name + "\"");
    EXPECT_THAT(store().stat(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().open(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().create(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().remove(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().put_file(ctx(), name, {}), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().copy_from(ctx(), name, store(), "a/b"),
                ::testing::AnyOf(FailsWith(ErrorCode::kInvalidPath), FailsWith(ErrorCode::kUnsupported)));
    EXPECT_THAT(store().copy_from(ctx(), "copy", store(), name),
                ::testing::AnyOf(FailsWith(ErrorCode::kInvalidPath), FailsWith(ErrorCode::kUnsupported)));
    RangeRead stat{.object = name, .into = {}, .if_version = {}, .version = {}};
    EXPECT_THAT(store().read(ctx(), {&stat, 1}), Succeeds());
    EXPECT_THAT(stat.got, FailsWith(ErrorCode::kInvalidPath));
  }
  EXPECT_THAT(names(), Gives(ElementsAre("a/b")));
  EXPECT_THAT(get("a/b"), Gives("text"));
}

TEST_P(Conformance, Error_about_a_hostile_name_is_one_printable_line) {
  const auto refused = store().stat(ctx(), std::string("a\nb\x1b[31m\0c", 10));
  ASSERT_FALSE(refused);
  for (const char c : refused.error().message)
    EXPECT_GE(static_cast<unsigned char>(c), 0x20) << refused.error().message;
}

TEST_P(Conformance, Names_of_a_thousand_bytes) {
  const std::size_t component = std::min<std::size_t>(can().max_component, 249);
  const std::string name = nested(component, std::min<std::size_t>(can().max_name, 1000));
  EXPECT_THAT(put(name, "text"), Succeeds());
  EXPECT_THAT(get(name), Gives("text"));
  EXPECT_THAT(names(), Gives(ElementsAre(name)));
  EXPECT_THAT(store().remove(ctx(), name), Succeeds());
}

TEST_P(Conformance, Longest_names_that_the_store_says_it_takes) {
  const std::string component(std::min({can().max_component, can().max_name, provider().server_max_component}), 'c');
  EXPECT_THAT(put(component, "text"), Succeeds());
  EXPECT_THAT(get(component), Gives("text"));
  const std::string longest = nested(100, can().max_name);
  ASSERT_EQ(longest.size(), can().max_name);
  EXPECT_THAT(put(longest, "text"), Succeeds());
  EXPECT_THAT(get(longest), Gives("text"));
}

TEST_P(Conformance, Names_over_the_limit_are_invalid) {
  const std::vector<std::string> too_long = {std::string(can().max_component + 1, 'c'),
                                             "folder/" + std::string(can().max_component + 1, 'c') + "/object",
                                             nested(100, can().max_name + 1)};
  for (const std::string& name : too_long) {
    SCOPED_TRACE(std::to_string(name.size()) + " bytes");
    EXPECT_THAT(store().stat(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().open(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().create(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
    EXPECT_THAT(store().remove(ctx(), name), FailsWith(ErrorCode::kInvalidPath));
  }
  EXPECT_THAT(names(), Gives(IsEmpty()));
}

TEST_P(Conformance, Location_ends_with_the_name) {
  EXPECT_THAT(store().location("sealed/s-t01000-7"), ::testing::EndsWith("/sealed/s-t01000-7"));
  value_of(put("sealed/s-t01000-7", "text"));
  if (can().local_files) {
    EXPECT_EQ(::access(store().location("sealed/s-t01000-7").c_str(), R_OK), 0);
  }
}

}  // namespace
}  // namespace scabbard
