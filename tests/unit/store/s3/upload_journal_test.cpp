#include "store/s3/upload_journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "support/temporary_folder.hpp"

namespace scabbard::s3 {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

JournalRecord record(const std::string& key) {
  return {.key = key, .upload_id = "id", .part_size = 5 << 20, .checksum = {}, .source = {}, .parts = {}};
}

class UploadJournalTest : public ::testing::Test {
 protected:
  // The only file of it.
  std::filesystem::path file() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) return entry.path();
    }
    return {};
  }

  TemporaryFolder folder_;
  UploadJournal journal_{folder_.path().string(), "place"};
};

TEST_F(UploadJournalTest, Shows_an_upload_once_its_writer_is_gone) {
  auto writer = journal_.begin(record("a/object"));
  ASSERT_TRUE(writer);
  writer->add_part(2, {.etag = "\"e\"", .size = 7, .crc32c = 9});
  EXPECT_THAT(journal_.dead(""), IsEmpty());
  writer.reset();
  EXPECT_THAT(journal_.dead("b"), IsEmpty());
  auto dead = journal_.dead("a/");
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0]->record().key, "a/object");
  ASSERT_TRUE(dead[0]->record().parts.contains(2));
  EXPECT_EQ(dead[0]->record().parts.at(2).etag, "\"e\"");
}

TEST_F(UploadJournalTest, Keeps_the_parts_that_follow_a_line_cut_by_the_death_of_its_writer) {
  auto writer = journal_.begin(record("object"));
  writer->add_part(1, {.etag = "first", .size = 1, .crc32c = 1});
  writer.reset();
  std::ofstream(file(), std::ios::app) << R"({"part": 2, "eta)";
  auto next = std::move(journal_.dead_of("object").at(0));
  EXPECT_THAT(next->record().parts, SizeIs(1));
  next->add_part(3, {.etag = "third", .size = 3, .crc32c = 3});
  next.reset();
  const auto last = std::move(journal_.dead_of("object").at(0));
  EXPECT_THAT(last->record().parts, SizeIs(2));
  EXPECT_TRUE(last->record().parts.contains(3));
}

// A worker that starts again asks for all that it had under way, at once.
TEST_F(UploadJournalTest, Upload_of_another_key_is_not_held_meanwhile) {
  for (const char* key : {"s-t01000-1", "s-t01000-10"}) journal_.begin(record(key));
  std::atomic<int> missed = 0;
  {
    std::vector<std::jthread> threads;
    for (const char* key : {"s-t01000-1", "s-t01000-10"}) {
      threads.emplace_back([&, key] {
        for (int i = 0; i < 500; ++i) {
          if (journal_.dead_of(key).size() != 1) ++missed;
        }
      });
    }
  }
  EXPECT_EQ(missed, 0);
}

TEST_F(UploadJournalTest, Removes_a_file_whose_writer_died_before_it_wrote) {
  journal_.begin(record("object"))->remove();
  const auto folder = std::filesystem::directory_iterator(folder_.path())->path();
  std::ofstream(folder / "1-2-3.upload") << "";
  EXPECT_THAT(journal_.dead(""), IsEmpty());
  EXPECT_TRUE(file().empty());
}

TEST_F(UploadJournalTest, Notes_an_etag_of_any_bytes) {
  auto writer = journal_.begin(record("object"));
  writer->add_part(1, {.etag = "\xFF\xFE", .size = 1, .crc32c = 1});
  writer.reset();
  EXPECT_THAT(journal_.dead(""), SizeIs(1));
}

TEST_F(UploadJournalTest, Begins_every_upload_however_often_others_look_for_dead_ones) {
  const std::jthread other([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) journal_.dead("");
  });
  for (int i = 0; i < 200; ++i) {
    auto writer = journal_.begin(record("object"));
    ASSERT_TRUE(writer);
    ASSERT_TRUE(std::filesystem::exists(file()));
    writer->remove();
  }
}

}  // namespace
}  // namespace scabbard::s3
