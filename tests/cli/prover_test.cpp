// `scabbard processor window_post` as damocles meets it, between a real server and a stock prover that a shell script
// plays. What it makes of real sectors is tests/host/suite/prover_test.go.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "cli/processor_test.hpp"
#include "support/server_process.hpp"
#include "support/small_filesystem.hpp"
#include "support/small_sector.hpp"

namespace scabbard::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ProverTest : public ProcessorTest {
 protected:
  ProverTest() {
    EXPECT_THAT(run({"init", "-q", "store", "--name", "s3-a", "--url",
                     "s3://" + std::string(ServerProcess::kBucket) + "/f01000", "--option", "Endpoint=" + server_.url(),
                     "--option", "Timeout=1s"}),
                EndsWith(0));
    with_.environment = {"AWS_ACCESS_KEY_ID=" + server_.access_key(), "AWS_SECRET_ACCESS_KEY=" + server_.secret_key(),
                         "SCABBARD_STATE=" + path("state")};
    for (const std::uint64_t number : {7, 9}) put_sector(number);
    play("");
  }

  void put_sector(std::uint64_t number) {
    for (const auto& [object, content] : small_sector(id_of(number), number)) {
      With with = with_;
      with.input = content;
      EXPECT_THAT(run({"cp", "-q", "-", path("store/" + object)}, with), EndsWith(0));
    }
  }
  void remove(const std::string& object) { EXPECT_THAT(run({"rm", "-q", "store/" + object}, with_), EndsWith(0)); }

  // A stock prover that notes what it is asked, keeps a copy of what is staged, and finds that to be a proof. `first`
  // comes before it does so.
  void play(const std::string& first) {
    write("stock", "#!/bin/sh\necho 'window_post processor ready'\nwhile read -r line; do\n" + first +
                       "echo \"$line\" >>" + path("asked") + "\ncp -r " + path("staging") + " " + path("seen") +
                       "\nid=${line#*:}\n"
                       "echo \"{\\\"id\\\":${id%%,*},\\\"err_msg\\\":null,\\\"output\\\":"
                       "{\\\"proofs\\\":[\\\"cHJvb2Y=\\\"],\\\"faults\\\":[]}}\"\ndone\n");
    fs::permissions(path("stock"), fs::perms::owner_all);
  }

  bool is_anything_staged() const { return ::testing::Matches(Contains(HasSubstr("sealed")))(files_below("staging")); }

  Processor start_prover(std::vector<std::string> options = {}) const {
    options.insert(options.end(), {"--staging", path("staging"), "--delegate", path("stock")});
    return start_processor("window_post", options, with_);
  }

  static std::string id_of(std::uint64_t number) { return "s-t01000-" + std::to_string(number); }
  json task(const std::vector<std::uint64_t>& numbers, const std::string& folder = "store") const {
    json replicas = json::array();
    for (const std::uint64_t number : numbers) {
      replicas.push_back({{"sector_id", number},
                          {"comm_r", std::vector<int>(32, 1)},
                          {"cache_dir", path(folder + "/cache/" + id_of(number))},
                          {"sealed_file", path(folder + "/sealed/" + id_of(number))}});
    }
    return {{"miner_id", 1000},
            {"proof_type", "StackedDrgWindow2KiBV1_2"},
            {"replicas", replicas},
            {"seed", std::vector<int>(32, 3)}};
  }

  json proof(std::uint64_t id) const { return answer_with(id, {"cHJvb2Y="}, {}); }
  json faults(std::uint64_t id, const std::vector<std::uint64_t>& numbers) const {
    return answer_with(id, {}, numbers);
  }
  static json answer_with(std::uint64_t id, const std::vector<std::string>& proofs,
                          const std::vector<std::uint64_t>& numbers) {
    return {{"id", id}, {"err_msg", nullptr}, {"output", {{"proofs", proofs}, {"faults", numbers}}}};
  }

  ServerProcess server_{ServerKind::kVersitygw, Transport::kHttp};
  With with_;
};

TEST_F(ProverTest, Stock_prover_is_handed_what_it_reads_as_files_which_go_after_the_proof) {
  Processor prover = start_prover();
  prover.ask(1, task({7}));
  EXPECT_EQ(prover.answer(), proof(1));
  const json asked = json::parse(read("asked"))["task"];
  EXPECT_EQ(asked["replicas"][0]["comm_r"], task({7})["replicas"][0]["comm_r"]);
  const std::string sealed = asked["replicas"][0]["sealed_file"];
  ASSERT_THAT(sealed, ::testing::StartsWith(path("staging/")));
  const std::string seen = "seen/" + sealed.substr(path("staging/").size());
  const auto sector = small_sector(id_of(7), 7);
  EXPECT_EQ(read(seen), sector.at("sealed/s-t01000-7"));
  for (const std::string file : {"p_aux", "sc-02-data-tree-r-last.dat"}) {
    EXPECT_EQ(read((fs::path(seen).parent_path() / "cache" / file).string()), sector.at("cache/s-t01000-7/" + file));
  }
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (is_anything_staged() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_FALSE(is_anything_staged());
  prover.wait();
  EXPECT_THAT(files_below("staging"), IsEmpty());
}

// A fault would be one that is none.
TEST_F(ProverTest, One_that_is_ended_over_a_request_names_no_faults) {
  server_.pause();
  Processor prover = start_prover();
  prover.ask(1, task({7, 9}));
  prover.interrupt_by(SIGTERM);
  const json answer = prover.answer();
  EXPECT_TRUE(answer.is_discarded() || answer["output"].is_null()) << answer;
  prover.wait();
  EXPECT_THAT(files_below("staging"), IsEmpty());
}

TEST_F(ProverTest, What_cannot_be_read_is_a_fault_and_what_was_read_is_not_fetched_again) {
  remove("cache/s-t01000-9/p_aux");
  Processor prover = start_prover();
  prover.ask(1, task({7, 9}));
  EXPECT_EQ(prover.answer(), faults(1, {9}));
  EXPECT_FALSE(exists("asked"));
  server_.kill();
  prover.ask(2, task({7}));
  EXPECT_EQ(prover.answer(), proof(2));
  EXPECT_THAT(prover.wait().err, HasSubstr("sector 9 cannot be proven"));
}

TEST_F(ProverTest, Server_that_comes_back_in_time_costs_nothing_but_time) {
  server_.kill();
  Processor prover = start_prover();
  prover.ask(1, task({7, 9}));
  std::this_thread::sleep_for(std::chrono::seconds(2));  // longer than calls ride out by themselves
  server_.restart();
  EXPECT_EQ(prover.answer(), proof(1));
}

TEST_F(ProverTest, Server_that_stays_away_costs_its_own_sectors_only) {
  for (const auto& [object, content] : small_sector(id_of(9), 9)) write("plain/" + object, content);
  server_.kill();
  Processor prover = start_prover({"--read-deadline", "2s"});
  json mixed = task({7, 9});
  mixed["replicas"][1] = task({9}, "plain")["replicas"][0];
  prover.ask(1, mixed);
  EXPECT_EQ(prover.answer(), faults(1, {7}));
  prover.ask(2, task({9}, "plain"));
  EXPECT_EQ(prover.answer(), proof(2));
  EXPECT_THAT(read("asked"), HasSubstr(path("plain/sealed/s-t01000-9")));
}

TEST_F(ProverTest, Request_of_which_nothing_can_be_read_is_an_error) {
  Processor prover = start_prover();
  prover.ask(1, task({11}));
  EXPECT_THAT(prover.answer()["err_msg"].get<std::string>(), HasSubstr("none of the sectors can be read"));
}

TEST_F(ProverTest, Malformed_task_is_an_error_that_says_why) {
  Processor prover = start_prover();
  json wrong = task({7});
  wrong["proof_type"] = "StackedDrgWinning2KiBV1";
  prover.ask(1, wrong);
  EXPECT_THAT(prover.answer()["err_msg"].get<std::string>(), HasSubstr("is no proof of this stage"));
}

TEST_F(ProverTest, Stock_prover_that_is_missing_is_told_of_at_once_and_looked_for_again) {
  fs::rename(path("stock"), path("elsewhere"));
  Processor prover = start_prover({"--answer-within", "3s"});
  prover.ask(1, task({7}));
  EXPECT_THAT(prover.answer()["err_msg"].get<std::string>(), HasSubstr("name it with --delegate"));
  prover.ask(2, task({7}));
  fs::rename(path("elsewhere"), path("stock"));
  EXPECT_EQ(prover.answer(), proof(2));
}

TEST_F(ProverTest, Stock_prover_that_dies_is_asked_once_more) {
  play("[ -e died ] || { : >died; exit 1; }\n");
  Processor prover = start_prover();
  prover.ask(1, task({7}));
  EXPECT_EQ(prover.answer(), proof(1));
}

TEST_F(ProverTest, Stock_prover_that_does_not_answer_in_time_is_an_error) {
  play("sleep 1000\n");
  Processor prover = start_prover({"--answer-within", "1s"});
  prover.ask(1, task({7}));
  EXPECT_THAT(prover.answer()["err_msg"].get<std::string>(), HasSubstr("has not answered in time"));
}

TEST_F(ProverTest, What_a_killed_one_left_goes_when_the_next_one_starts) {
  remove("cache/s-t01000-9/p_aux");
  {
    Processor killed = start_prover();
    killed.ask(1, task({7, 9}));
    EXPECT_EQ(killed.answer(), faults(1, {9}));
    EXPECT_THAT(files_below("staging"), Contains(HasSubstr("sealed")));
  }
  Processor prover = start_prover();
  EXPECT_THAT(files_below("staging"), Not(Contains(HasSubstr("sealed"))));
}

TEST_F(ProverTest, Staging_folder_that_is_too_small_costs_the_sectors_that_do_not_fit) {
  const auto small = SmallFilesystem::mount(20'480);
  if (!small) GTEST_SKIP() << "this process may not mount";
  Processor prover = start_processor("window_post", {"--staging", small->string(), "--delegate", path("stock")}, with_);
  prover.ask(1, task({7, 9}));
  EXPECT_EQ(prover.answer(), faults(1, {9}));
  prover.ask(2, task({7}));
  EXPECT_EQ(prover.answer(), proof(2));
  EXPECT_THAT(prover.wait().err, HasSubstr("is full"));
}

// While the stock prover is at work.
TEST_F(ProverTest, Tree_tops_are_kept_for_the_next_proof) {
  play("while [ -z \"$(ls " + path("cache") + ")\" ]; do sleep 0.1; done\n");
  Processor prover = start_prover({"--cache", path("cache")});
  prover.ask(1, task({7}));
  EXPECT_EQ(prover.answer(), proof(1));
  remove("cache/s-t01000-7/sc-02-data-tree-r-last.dat");
  prover.ask(2, task({7}));
  EXPECT_EQ(prover.answer(), proof(2));
  EXPECT_THAT(prover.wait().err, HasSubstr("1 with tree tops from the cache"));
}

TEST_F(ProverTest, Warm_keeps_tree_tops_before_the_first_proof) {
  const std::vector<std::string> warm = {"warm", "--cache", "cache", "store"};
  EXPECT_EQ(run(warm, with_).out, "kept the tree tops of 2 sectors, 0 there already\n");
  EXPECT_EQ(run({"warm", "--cache", "cache", "--store", "store", id_of(7)}, with_).out,
            "kept the tree tops of 0 sectors, 1 there already\n");
  remove("cache/s-t01000-7/sc-02-data-tree-r-last.dat");
  Processor prover = start_prover({"--cache", path("cache")});
  prover.ask(1, task({7}));
  EXPECT_EQ(prover.answer(), proof(1));
}

TEST_F(ProverTest, Warm_says_which_sector_it_could_not_read) {
  remove("cache/s-t01000-9/p_aux");
  const Outcome outcome = run({"warm", "--cache", "cache", "store"}, with_);
  EXPECT_THAT(outcome, Fails(4, "s-t01000-9: "));
  EXPECT_THAT(outcome.out, HasSubstr("of 1 sector, 0 there already, 1 failed"));
}

// What is wrong with what is kept: tests/host/suite/prover_cache_test.go.
TEST_F(ProverTest, Fault_that_the_cache_is_not_to_blame_for_is_answered_at_once) {
  play("echo \"$line\" >>" + path("asked") +
       "; id=${line#*:}; echo \"{\\\"id\\\":${id%%,*},\\\"err_msg\\\":null,"
       "\\\"output\\\":{\\\"proofs\\\":[],\\\"faults\\\":[7]}}\"; continue\n");
  EXPECT_THAT(run({"warm", "-q", "--cache", "cache", "store"}, with_), EndsWith(0));
  Processor prover = start_prover({"--cache", path("cache")});
  prover.ask(1, task({7, 9}));
  EXPECT_EQ(prover.answer(), faults(1, {7}));
  EXPECT_EQ(std::ranges::count(read("asked"), '\n'), 1);
  EXPECT_THAT(files_below("cache"), SizeIs(2));
}

TEST_F(ProverTest, Wrong_options_are_named_before_anything_is_done) {
  EXPECT_THAT(run({"processor", "window_post", "--read-deadline", "soon"}), Fails(2, "--read-deadline"));
  EXPECT_THAT(run({"processor", "window_post", "--delegate", "'a"}), Fails(2, "--delegate: a quote is not closed"));
  EXPECT_THAT(run({"processor", "window_post", "--max-reads", "0"}), Fails(2, "--max-reads"));
  EXPECT_THAT(run({"processor", "window_post", "--cache", "cache", "--cache-size", "much"}), Fails(2, "--cache-size"));
  write("file", "");
  EXPECT_THAT(run({"processor", "window_post", "--staging", "file"}), Fails(1, "staging folder"));
  EXPECT_THAT(run({"warm", "--cache", "file", "."}), Fails(1, "cache folder"));
}

TEST_F(ProverTest, Cache_that_cannot_be_used_costs_no_proof) {
  write("file", "");
  Processor prover = start_prover({"--cache", path("file")});
  prover.ask(1, task({7}));
  EXPECT_EQ(prover.answer(), proof(1));
  EXPECT_THAT(prover.wait().err, HasSubstr("goes on without the cache"));
}

// The stock prover would answer nothing at all.
TEST_F(ProverTest, Sector_with_bytes_that_none_has_is_a_fault) {
  auto object = *small_sector(id_of(9), 9).find("sealed/" + id_of(9));
  object.second[63] = '\xff';
  With with = with_;
  with.input = object.second;
  EXPECT_THAT(run({"cp", "-q", "-", path("store/" + object.first)}, with), EndsWith(0));
  Processor prover = start_prover();
  prover.ask(1, task({7, 9}));
  EXPECT_EQ(prover.answer(), faults(1, {9}));
}

// As after a sector was sealed anew.
TEST_F(ProverTest, Staged_sector_is_of_no_use_for_another_replica) {
  remove("cache/s-t01000-9/p_aux");
  Processor prover = start_prover();
  prover.ask(1, task({7, 9}));
  EXPECT_EQ(prover.answer(), faults(1, {9}));
  remove("sealed/s-t01000-7");
  json other = task({7});
  other["replicas"][0]["comm_r"] = std::vector<int>(32, 2);
  prover.ask(2, other);
  EXPECT_FALSE(prover.answer()["err_msg"].is_null());
}

}  // namespace
}  // namespace scabbard::cli
