// Copying.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "cli/command_test.hpp"
#include "support/small_filesystem.hpp"

namespace scabbard::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CpTest : public CommandTest {
 protected:
  CpTest() { init("store"); }
};

TEST_F(CpTest, File_goes_into_a_store_and_comes_out_again) {
  write("file", "content");
  EXPECT_THAT(run({"cp", "file", "store/sealed/s-t01000-1"}), Succeeds());
  EXPECT_EQ(read("store/sealed/s-t01000-1"), "content");
  EXPECT_THAT(run({"cp", "store/sealed/s-t01000-1", "back"}), Succeeds());
  EXPECT_EQ(read("back"), "content");
  EXPECT_THAT(files_below("store"), ElementsAre("sealed/s-t01000-1", "sectorstore.json"));
}

TEST_F(CpTest, Copies_from_store_to_store_without_a_word_on_how_they_share_a_disk) {
  init("other");
  write("store/object", "content");
  EXPECT_THAT(run({"cp", "store/object", "other"}), Succeeds());
  EXPECT_EQ(read("other/object"), "content");
}

TEST_F(CpTest, Destination_that_is_a_folder_takes_the_object_under_its_name) {
  write("file", "content");
  write("store/folder/other", "");
  EXPECT_THAT(run({"cp", "file", "store/folder"}), Succeeds());
  EXPECT_THAT(run({"cp", "file", "store/new/"}), Succeeds());
  EXPECT_EQ(read("store/folder/file"), "content");
  EXPECT_EQ(read("store/new/file"), "content");
}

TEST_F(CpTest, Exact_destination_is_never_a_folder) {
  write("file", "content");
  make_folder("store/folder");
  EXPECT_THAT(run({"cp", "-T", "file", "store/folder"}), Fails(1, "Is a directory"));
  EXPECT_THAT(run({"cp", "-T", "file", "store/exact"}), Succeeds());
  write("folder/inner", "inner");
  EXPECT_THAT(run({"cp", "-rT", "folder", "store/folder"}), Succeeds());
  EXPECT_THAT(files_below("store"), ElementsAre("exact", "folder/inner", "sectorstore.json"));
}

TEST_F(CpTest, Replaces_an_object_unless_it_is_to_be_kept) {
  write("file", "new");
  write("store/object", "old");
  EXPECT_THAT(run({"cp", "--no-clobber", "file", "store/object"}), Succeeds());
  EXPECT_THAT(run({"cp", "-n", "-", "store/object"}, {.input = "new"}), Succeeds());
  EXPECT_EQ(read("store/object"), "old");
  EXPECT_THAT(run({"cp", "file", "store/object"}), Succeeds());
  EXPECT_EQ(read("store/object"), "new");
  EXPECT_THAT(files_below("store"), ElementsAre("object", "sectorstore.json"));
}

TEST_F(CpTest, Folder_is_copied_with_all_that_is_in_it) {
  write("folder/a", "a");
  write("folder/b/c", "c");
  EXPECT_THAT(run({"cp", "-r", "folder", "store"}), Succeeds());
  EXPECT_THAT(files_below("store"), ElementsAre("folder/a", "folder/b/c", "sectorstore.json"));
  EXPECT_EQ(read("store/folder/b/c"), "c");
  EXPECT_THAT(run({"cp", "-r", "store", "back"}), Succeeds());
  EXPECT_THAT(files_below("back"), ElementsAre("folder/a", "folder/b/c"));
}

TEST_F(CpTest, Folder_slash_dot_means_what_is_in_it) {
  write("folder/a", "a");
  EXPECT_THAT(run({"cp", "-r", "folder/.", "store"}), Succeeds());
  EXPECT_THAT(files_below("store"), ElementsAre("a", "sectorstore.json"));
}

TEST_F(CpTest, Copy_of_a_folder_that_ended_early_is_taken_up) {
  for (const char* file : {"folder/a", "folder/b"}) write(file, "new");
  write("store/folder/a", "old");
  EXPECT_THAT(run({"cp", "-rn", "folder", "store"}), Succeeds());
  EXPECT_EQ(read("store/folder/a"), "old");
  EXPECT_EQ(read("store/folder/b"), "new");
}

TEST_F(CpTest, Folder_is_refused_without_recursive) {
  write("folder/a", "a");
  EXPECT_THAT(run({"cp", "folder", "store"}), Fails(1, "--recursive"));
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
}

TEST_F(CpTest, Several_sources_go_into_the_destination) {
  write("a", "a");
  write("b", "b");
  write("folder/c", "c");
  EXPECT_THAT(run({"cp", "-r", "a", "b", "folder", "store/all"}), Succeeds());
  EXPECT_THAT(files_below("store/all"), ElementsAre("a", "b", "folder/c"));
}

TEST_F(CpTest, One_source_that_is_missing_does_not_keep_the_others_back) {
  write("a", "a");
  EXPECT_THAT(run({"cp", "gone", "a", "store"}), Fails(4, "gone"));
  EXPECT_EQ(read("store/a"), "a");
}

TEST_F(CpTest, Missing_source_is_4) {
  EXPECT_THAT(run({"cp", "gone", "store"}), Fails(4, "\"gone\""));
  EXPECT_THAT(run({"cp", "-r", "gone", "store"}), Fails(4, "\"gone\""));
  EXPECT_THAT(run({"cp", "gone", "-"}), Fails(4, "\"gone\""));
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
}

TEST_F(CpTest, Missing_folders_of_the_destination_are_made) {
  write("file", "content");
  EXPECT_THAT(run({"cp", "file", "store/not/yet/there"}), Succeeds());
  EXPECT_EQ(read("store/not/yet/there"), "content");
}

TEST_F(CpTest, Nothing_is_copied_onto_or_into_itself) {
  write("folder/a", "a");
  fs::create_symlink("folder/a", path("link"));
  EXPECT_THAT(run({"cp", "folder/a", "folder/a"}), Fails(2, "onto itself"));
  EXPECT_THAT(run({"cp", "folder/a", "folder"}), Fails(2, "onto itself"));
  EXPECT_THAT(run({"cp", "-r", "folder", "folder"}), Fails(2, "into itself"));
  EXPECT_THAT(run({"cp", "-r", "folder", "folder/b"}), Fails(2, "into itself"));
  EXPECT_THAT(run({"cp", "link", "folder/a"}), Succeeds());  // reads what it replaces
  EXPECT_EQ(read("folder/a"), "a");
  EXPECT_THAT(files_below("folder"), ElementsAre("a"));
}

TEST_F(CpTest, Nothing_is_copied_into_itself_by_links) {
  for (const char* file : {"a/x", "a/sub/x"}) write(file, file);
  fs::create_directory_symlink("a/sub", path("link"));
  EXPECT_THAT(run({"cp", "-r", "a/.", "link"}), Fails(2, "into itself"));
  EXPECT_THAT(run({"init", "-q", "by-url", "--url", "file://" + path("a")}), Succeeds());
  EXPECT_THAT(run({"cp", "-r", "by-url/.", "a/sub"}), Fails(2, "into itself"));
  EXPECT_EQ(read("a/sub/x"), "a/sub/x");
}

TEST_F(CpTest, Sources_do_not_replace_each_other) {
  write("a/file", "a");
  write("b/file", "b");
  EXPECT_THAT(run({"cp", "a/file", "b/file", "store"}), Fails(2, "another source"));
  EXPECT_EQ(read("store/file"), "a");
  EXPECT_THAT(run({"cp", "-T", "a/file", "b/file", "store/exact"}), Fails(2, "one source"));
  EXPECT_FALSE(exists("store/exact"));
}

TEST_F(CpTest, What_cannot_be_copied_of_a_folder_is_said) {
  write("folder/file", "x");
  fs::create_symlink("nowhere", path("folder/link"));
  ASSERT_EQ(::mkfifo(path("folder/pipe").c_str(), 0644), 0);
  const Outcome outcome = run({"cp", "-r", "folder", "store"});
  EXPECT_THAT(outcome, Fails(1, path("folder/link")));
  EXPECT_THAT(outcome, Fails(1, path("folder/pipe")));
  EXPECT_EQ(read("store/folder/file"), "x");
}

TEST_F(CpTest, File_of_the_kernel_is_not_stored_empty) {
  EXPECT_THAT(run({"cp", "/proc/version", "store/version"}), Fails(1, "file of the kernel"));
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
}

TEST_F(CpTest, Folder_that_holds_a_store_is_refused) {
  make_folder("outer");
  init("outer/inner");
  EXPECT_THAT(run({"cp", "-r", "outer", "copy"}), Fails(1, "is a store"));
  EXPECT_FALSE(exists("copy"));
}

TEST_F(CpTest, Outside_of_a_store_no_folders_are_made_for_an_object) {
  write("file", "x");
  EXPECT_THAT(run({"cp", "file", "stroe/sealed/x"}), Fails(4, "lies in no store"));
  EXPECT_FALSE(exists("stroe"));
  make_folder("folder");
  EXPECT_THAT(run({"cp", "file", "folder/x"}), Succeeds());
}

TEST_F(CpTest, Standard_input_must_have_the_size_that_was_said) {
  EXPECT_THAT(run({"cp", "--size", "5", "-", "store/whole"}, {.input = "12345"}), Succeeds());
  EXPECT_THAT(run({"cp", "--size", "6", "-", "store/short"}, {.input = "12345"}), Fails(1, "6 bytes announced"));
  EXPECT_THAT(run({"cp", "--size", "4", "-", "store/long"}, {.input = "12345"}), Fails(1, "4 bytes announced"));
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json", "whole"));
}

TEST_F(CpTest, Read_only_store_of_another_plugin_is_read_only) {
  write("file", "x");
  write("theirs/sectorstore.json", R"({"Name":"theirs","PluginName":"fsstore","ReadOnly":true})");
  EXPECT_THAT(run({"cp", "file", "theirs/"}), Fails(7, "read-only"));
}

TEST_F(CpTest, Store_file_that_may_not_be_read_is_not_passed_over) {
  write("file", "x");
  fs::permissions(path("store/sectorstore.json"), fs::perms(0));
  EXPECT_THAT(run({"cp", "file", "store/"}, {.as_nobody = true}), Fails(7, "sectorstore.json"));
  fs::permissions(path("store/sectorstore.json"), fs::perms(0644));
}

TEST_F(CpTest, Links_are_what_they_lead_to) {
  write("folder/a", "a");
  fs::create_symlink("folder/a", path("link"));
  fs::create_symlink("folder", path("folder-link"));
  fs::create_symlink("gone", path("broken"));
  EXPECT_THAT(run({"cp", "-r", "link", "folder-link", "store"}), Succeeds());
  EXPECT_EQ(read("store/link"), "a");
  EXPECT_EQ(read("store/folder-link/a"), "a");
  EXPECT_FALSE(fs::is_symlink(path("store/link")));
  EXPECT_THAT(run({"cp", "broken", "store"}), EndsWith(4));
}

TEST_F(CpTest, What_is_neither_file_nor_folder_is_not_copied) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0644), 0);
  write("file", "content");
  EXPECT_THAT(run({"cp", "fifo", "store"}), Fails(1, "not a regular file"));
  EXPECT_THAT(run({"cp", "-r", "fifo", "store"}), Fails(1, "not a regular file"));
  EXPECT_THAT(run({"cp", "file", "fifo"}), Fails(1, "not a regular file"));
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
}

TEST_F(CpTest, Standard_input_becomes_an_object) {
  EXPECT_THAT(run({"cp", "-", "store/object"}, {.input = "from a pipe"}), Succeeds());
  EXPECT_EQ(read("store/object"), "from a pipe");
  EXPECT_THAT(run({"cp", "-", "store/empty"}), Succeeds());
  EXPECT_EQ(read("store/empty"), "");
  const std::string large(3'000'000, 'x');
  EXPECT_THAT(run({"cp", "-", "store/large"}, {.input = large}), Succeeds());
  EXPECT_EQ(read("store/large"), large);
}

TEST_F(CpTest, Standard_input_that_is_a_file_is_taken_from_its_position) {
  write("file", "header and the rest");
  std::FILE* file = std::fopen(path("file").c_str(), "r");
  ASSERT_EQ(::lseek(::fileno(file), 7, SEEK_SET), 7);
  EXPECT_THAT(run({"cp", "-", "store/object"}, {.standard_input = ::fileno(file)}), Succeeds());
  std::fclose(file);
  EXPECT_EQ(read("store/object"), "and the rest");
}

TEST_F(CpTest, Standard_input_needs_a_name_to_go_to) {
  for (const char* folder : {"store", "store/", "store/new/"}) {
    EXPECT_THAT(run({"cp", "-", folder}), Fails(2, "name the object to make")) << folder;
  }
  EXPECT_THAT(run({"cp", "-", "-"}), Fails(2, "no two objects"));
}

TEST_F(CpTest, Object_goes_to_standard_output) {
  write("store/object", "content");
  EXPECT_EQ(out_of({"cp", "store/object", "-"}), "content");
  EXPECT_THAT(run({"cp", "store", "-"}), Fails(1, "is a folder"));
}

TEST_F(CpTest, Closed_standard_streams_are_errors_to_what_needs_them) {
  write("file", "content");
  EXPECT_THAT(run({"cp", "-", "store/object"}, {.standard_input = Surroundings::kClosed}),
              Fails(1, "Bad file descriptor"));
  EXPECT_THAT(run({"cp", "file", "-"}, {.standard_output = Surroundings::kClosed}), Fails(1, "Bad file descriptor"));
  EXPECT_THAT(run({"cp", "gone", "-"}, {.standard_error = Surroundings::kClosed}), EndsWith(4));
  EXPECT_EQ(read("file"), "content");
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
}

// What is written to stderr would end in that file.
TEST_F(CpTest, No_file_takes_the_number_of_a_closed_standard_stream) {
  Channel input = Channel::pipe();
  const pid_t copy = spawn(
      {SCABBARD_EXECUTABLE, "cp", "-", "store/object"},
      {.folder = path(""), .input = input.near(), .output = Surroundings::kClosed, .error = Surroundings::kClosed});
  const std::string text(200'000, 'x');  // more than a pipe holds: when it is written, the object is open
  EXPECT_EQ(::write(input.far(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  for (const char* number : {"1", "2"}) {
    EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(copy) + "/fd/" + number), "/dev/null") << number;
  }
  input.close_far();
  EXPECT_EQ(wait_for(copy).exit_code, 0);
  EXPECT_EQ(read("store/object"), text);
}

TEST_F(CpTest, Json_has_a_line_for_each_copy) {
  write("folder/a", "aa");
  write("folder/b", "b");
  std::set<std::string> destinations;
  for (const auto& line : json_lines(run({"cp", "-r", "--json", "--quiet", "folder", "store"}).out)) {
    EXPECT_THAT(keys_of(line), ::testing::IsSupersetOf({"source", "destination", "size"}));
    destinations.insert(line["destination"].get<std::string>());
  }
  EXPECT_THAT(destinations, ElementsAre(path("store/folder/a"), path("store/folder/b")));
  const auto lines = json_lines(run({"cp", "--json", "--quiet", "-", "store/in"}, {.input = "123456789"}).out);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], nlohmann::json({{"source", "-"},
                                      {"destination", path("store/in")},
                                      {"size", 9},
                                      {"crc32c", "e3069283"}}));  // the check value of CRC-32C
}

TEST_F(CpTest, Source_that_may_not_be_read_is_a_matter_of_configuration) {
  write("secret", "content");
  fs::permissions(path("secret"), fs::perms(0));
  make_folder("open");
  fs::permissions(path("open"), fs::perms(0777));
  EXPECT_THAT(run({"cp", "secret", "open/copy"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  EXPECT_THAT(files_below("open"), IsEmpty());
}

TEST_F(CpTest, Destination_that_may_not_be_written_is_a_matter_of_configuration) {
  write("file", "content");
  make_folder("closed");
  fs::permissions(path("closed"), fs::perms(0555));
  EXPECT_THAT(run({"cp", "file", "closed/copy"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  EXPECT_THAT(files_below("closed"), IsEmpty());
}

TEST_F(CpTest, Object_of_a_folder_that_may_not_be_read_fails_and_the_others_are_copied) {
  write("folder/a", "a");
  write("folder/b", "b");
  fs::permissions(path("folder/a"), fs::perms(0));
  make_folder("open");
  fs::permissions(path("open"), fs::perms(0777));
  EXPECT_THAT(run({"cp", "-r", "folder", "open"}, {.as_nobody = true}), Fails(7, "Permission denied"));
  EXPECT_THAT(files_below("open"), ElementsAre("folder/b"));
}

TEST_F(CpTest, Full_disk_leaves_the_previous_object_and_nothing_else) {
  const auto disk = SmallFilesystem::mount(1 << 20);
  if (disk == nullptr) GTEST_SKIP() << "may not mount";
  init(disk->string() + "/store");
  const std::string object = disk->string() + "/store/object";
  EXPECT_THAT(run({"cp", "-", object}, {.input = "old"}), Succeeds());
  const std::string large(3 << 20, 'x');
  write("large", large);
  EXPECT_THAT(run({"cp", "large", object}), Fails(1, "No space left on device"));
  EXPECT_THAT(run({"cp", "-", object}, {.input = large}), Fails(1, "No space left on device"));
  EXPECT_EQ(out_of({"cat", object}), "old");
  EXPECT_THAT(files_below(disk->string() + "/store"), ElementsAre("object", "sectorstore.json"));
}

TEST_F(CpTest, Full_disk_leaves_whole_objects_of_a_folder_only) {
  const auto disk = SmallFilesystem::mount(1 << 20);
  if (disk == nullptr) GTEST_SKIP() << "may not mount";
  init(disk->string() + "/store");
  const std::string half(600'000, 'x');
  for (const char* name : {"folder/a", "folder/b", "folder/c"}) write(name, half);
  EXPECT_THAT(run({"cp", "-r", "--jobs", "1", "folder", disk->string() + "/store"}),
              Fails(1, "No space left on device"));
  for (const std::string& name : files_below(disk->string() + "/store")) {
    if (name == "sectorstore.json") continue;
    EXPECT_EQ(out_of({"cat", disk->string() + "/store/" + name}), half) << name;
  }
}

TEST_F(CpTest, Full_standard_output_is_one_error) {
  write("file", "content");
  std::FILE* full = std::fopen("/dev/full", "w");
  const With with{.standard_output = ::fileno(full)};
  for (const auto& command : {std::vector<std::string>{"cp", "file", "-"}, {"cp", "--json", "file", "store"}}) {
    const Outcome outcome = run(command, with);
    EXPECT_THAT(outcome, Fails(1, "No space left on device"));
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  }
  std::fclose(full);
}

TEST_F(CpTest, Closed_pipe_ends_it_quietly_by_SIGPIPE) {
  write("file", "content");
  Channel pipe = Channel::pipe();
  pipe.close_near();
  const Outcome outcome = run({"cp", "file", "-"}, {.standard_output = pipe.far()});
  EXPECT_EQ(outcome.status, 128 + SIGPIPE);
  EXPECT_EQ(outcome.err, "");
}

TEST_F(CpTest, What_may_succeed_later_is_5) {
#ifdef SCABBARD_SANITIZED
  GTEST_SKIP() << "the sanitizers need descriptors of their own";
#endif
  write("file", "content");
  // One descriptor beside the standard streams: the source can be opened, its copy cannot.
  const std::string limited = "exec 3<&-; ulimit -n 4; exec \"$0\" cp file store/object";
  Channel pipe = Channel::pipe();
  const pid_t shell = spawn({"/bin/sh", "-c", limited, SCABBARD_EXECUTABLE},
                            {.folder = path(""), .output = pipe.far(), .error = pipe.far()});
  EXPECT_THAT(pipe.read_rest(), HasSubstr("raise the limit of open files"));
  EXPECT_EQ(wait_for(shell).exit_code, 5);
  EXPECT_THAT(files_below("store"), ElementsAre("sectorstore.json"));
}

}  // namespace
}  // namespace scabbard::cli
