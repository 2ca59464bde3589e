#include "sector/manifest.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <string>

#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard::sector {
namespace {

using ::testing::IsEmpty;

const SectorId kSector{.miner = 1000, .number = 7};

class ManifestTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::shared_ptr<Store> store_ = value_of(open_store({.name = "", .path = folder_.string(), .meta = {}}));

  Manifest read() { return value_of(read_manifest({}, *store_, kSector)); }
};

TEST_F(ManifestTest, Is_read_as_it_was_written) {
  EXPECT_THAT(read().objects, IsEmpty());
  Manifest manifest;
  manifest.objects["sealed/s-t01000-7"] = {.size = 2048, .crc32c = 0x0123, .version = "v\"1"};
  manifest.objects["cache/s-t01000-7/p_aux"] = {.size = 64, .crc32c = {}, .version = ""};
  EXPECT_THAT(write_manifest({}, *store_, kSector, manifest), Succeeds());
  EXPECT_TRUE(store_->stat({}, ".scabbard/s-t01000-7.json"));
  const Manifest back = read();
  ASSERT_EQ(back.objects.size(), 2U);
  EXPECT_EQ(back.objects.at("sealed/s-t01000-7").size, 2048U);
  EXPECT_EQ(back.objects.at("sealed/s-t01000-7").crc32c, 0x0123U);
  EXPECT_EQ(back.objects.at("sealed/s-t01000-7").version, "v\"1");
  EXPECT_FALSE(back.objects.at("cache/s-t01000-7/p_aux").crc32c);
}

TEST_F(ManifestTest, What_was_written_is_added_and_what_a_folder_has_lost_goes) {
  const auto entry = [](std::uint64_t size) { return ManifestEntry{.size = size, .crc32c = 1, .version = "v"}; };
  EXPECT_THAT(note_written({}, *store_, kSector, {{{"cache/s-t01000-7/a", entry(1)}, {"cache/s-t01000-7/b", entry(1)}}},
                           "cache/s-t01000-7"),
              Succeeds());
  EXPECT_THAT(note_written({}, *store_, kSector, {{{"sealed/s-t01000-7", entry(2)}}}, ""), Succeeds());
  EXPECT_THAT(note_written({}, *store_, kSector, {{{"cache/s-t01000-7/b", entry(3)}}}, "cache/s-t01000-7"), Succeeds());
  const Manifest manifest = read();
  ASSERT_EQ(manifest.objects.size(), 2U);
  EXPECT_EQ(manifest.objects.at("cache/s-t01000-7/b").size, 3U);
  EXPECT_EQ(manifest.objects.at("sealed/s-t01000-7").size, 2U);
}

TEST_F(ManifestTest, That_of_ten_thousand_objects_can_be_read) {
  Manifest manifest;
  for (int i = 0; i < 10'000; ++i) {
    manifest.objects[fmt::format("cache/s-t01000-7/sc-02-data-layer-{:05}.dat", i)] = {
        .size = std::uint64_t{32} << 30, .crc32c = 0xffffffff, .version = std::string(40, 'f')};
  }
  EXPECT_THAT(write_manifest({}, *store_, kSector, manifest), Succeeds());
  EXPECT_EQ(read().objects.size(), 10'000U);
}

TEST_F(ManifestTest, What_is_none_is_named_and_replaced_by_the_next_one) {
  for (const char* text :
       {"", "{", "{}", "[1]", R"({"objects":[{"name":"a"}]})", R"({"objects":[{"name":1,"size":2}]})",
        R"({"objects":[{"name":"a","size":2,"crc32c":"parrot"}]})"}) {
    EXPECT_THAT(parse_manifest(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
  auto writer = value_of(store_->create({}, manifest_name(kSector)));
  EXPECT_THAT(writer->finish({}), Succeeds());
  EXPECT_THAT(read_manifest({}, *store_, kSector), FailsSaying(ErrorCode::kInvalidArgument, "s-t01000-7.json"));
  EXPECT_THAT(note_written({}, *store_, kSector, {}, ""), Succeeds());
  EXPECT_THAT(read().objects, IsEmpty());
}

}  // namespace
}  // namespace scabbard::sector
