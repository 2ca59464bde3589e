// `scabbard processor transfer` as a worker meets it: lines on pipes, a server that is killed, a death in the middle.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "cli/processor_test.hpp"
#include "scabbard/store.hpp"
#include "support/byte_patterns.hpp"
#include "support/environment_variable.hpp"
#include "support/result_matchers.hpp"
#include "support/server_process.hpp"

namespace scabbard::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kUrl = "s3://" + std::string(ServerProcess::kBucket) + "/s3-a";

class TransferProcessorTest : public ProcessorTest {
 protected:
  TransferProcessorTest() {
    EXPECT_THAT(run({"init", "-q", "store", "--name", "s3-a", "--url", kUrl, "--option", "Endpoint=" + server_.url(),
                     "--option", "PartSize=5MiB", "--option", "Timeout=2s"}),
                EndsWith(0));
    with_.environment = {"AWS_ACCESS_KEY_ID=" + server_.access_key(), "AWS_SECRET_ACCESS_KEY=" + server_.secret_key(),
                         "SCABBARD_STATE=" + path("state")};
  }

  Processor start_transfers() const { return start_processor("transfer", {}, with_); }

  static void ask(Processor& processor, std::uint64_t id, const json& routes) {
    const json stores = {{"s3-a", {{"name", "s3-a"}, {"meta", {{"Url", kUrl}}}}}};
    processor.ask(id, {{"stores", stores}, {"routes", routes}});
  }

  json local(const std::string& name) const { return {{"store_name", nullptr}, {"uri", path(name)}}; }
  json stored(const std::string& object) const { return {{"store_name", "s3-a"}, {"uri", path("store/" + object)}}; }
  static json route(const json& source, const json& destination) {
    return {{"src", source}, {"dest", destination}, {"opt", {{"is_dir", false}, {"allow_link", false}}}};
  }

  static json done(std::uint64_t id) { return {{"id", id}, {"err_msg", nullptr}, {"output", true}}; }

  ServerProcess server_{ServerKind::kVersitygw, Transport::kHttp};
  With with_;
};

TEST_F(TransferProcessorTest, Sector_is_persisted_and_fetched_and_its_set_is_complete) {
  write("w/sealed", std::string(2048, 's'));
  write("w/cache/p_aux", std::string(64, 'p'));
  write("w/cache/t_aux", "t");
  write("w/cache/sc-02-data-tree-r-last.dat", std::string(32, 'r'));
  Processor processor = start_transfers();
  ask(processor, 7,
      {route(local("w/sealed"), stored("sealed/s-t01000-7")), route(local("w/cache"), stored("cache/s-t01000-7"))});
  EXPECT_EQ(processor.answer(), done(7));
  ask(processor, 8,
      {route(stored("sealed/s-t01000-7"), local("back/sealed")),
       route(stored("cache/s-t01000-7"), local("back/cache"))});
  EXPECT_EQ(processor.answer(), done(8));
  EXPECT_EQ(read("back/sealed"), read("w/sealed"));
  EXPECT_EQ(read("back/cache/sc-02-data-tree-r-last.dat"), read("w/cache/sc-02-data-tree-r-last.dat"));
  EXPECT_EQ(processor.wait().status, 1);
  EXPECT_EQ(run({"sector", "verify", "s-t01000-7", "--store", "store"}, with_).status, 0);
}

TEST_F(TransferProcessorTest, Source_that_is_missing_is_an_answer_and_the_next_task_is_done) {
  write("file", "content");
  Processor processor = start_transfers();
  ask(processor, 1, json::array({route(local("missing"), stored("sealed/s-t01000-7"))}));
  EXPECT_THAT(processor.answer()["err_msg"].get<std::string>(), HasSubstr("src path not exists: " + path("missing")));
  ask(processor, 2, json::array({route(local("file"), stored("sealed/s-t01000-7"))}));
  EXPECT_EQ(processor.answer(), done(2));
}

// An error would stop the worker's sealing thread.
TEST_F(TransferProcessorTest, Server_that_is_down_is_waited_for) {
  write("file", "content");
  server_.kill();
  Processor processor = start_transfers();
  ask(processor, 1, json::array({route(local("file"), stored("sealed/s-t01000-7"))}));
  std::this_thread::sleep_for(std::chrono::seconds(4));  // longer than calls ride out by themselves
  server_.restart();
  EXPECT_EQ(processor.answer(), done(1));
  EXPECT_THAT(processor.wait().err, HasSubstr("waits"));
}

class InterruptedUploadTest : public TransferProcessorTest {
 protected:
  InterruptedUploadTest() { write("file", content_); }

  // Begins to send the file, and returns when a share of it has arrived.
  Processor begin(const std::string& object, std::uint64_t percent) const {
    Processor processor = start_transfers();
    ask(processor, 1, json::array({route(local("file"), stored(object))}));
    while (arrived(object) < content_.size() * percent / 100 && !store_->stat({}, object)) {
    }
    return processor;
  }

  // Of an upload that is not finished. Bytes.
  std::uint64_t arrived(const std::string& object) const {
    std::uint64_t bytes = 0;
    for (const UnfinishedWrite& write : value_of(store_->unfinished_writes({}, object))) bytes += write.bytes;
    return bytes;
  }

  // Sends it once more, to the end.
  void finish(const std::string& object) const {
    Processor processor = start_transfers();
    ask(processor, 2, json::array({route(local("file"), stored(object))}));
    EXPECT_EQ(processor.answer(), done(2)) << object;
    EXPECT_EQ(out_of({"cat", "store/" + object}, with_), content_) << object;
    EXPECT_THAT(value_of(store_->unfinished_writes({}, object)), IsEmpty()) << object;
  }

  const std::string content_ = to_text(pattern_bytes(1, 60 * kMiB));
  const EnvironmentVariable access_key_{"AWS_ACCESS_KEY_ID", server_.access_key()};
  const EnvironmentVariable secret_key_{"AWS_SECRET_ACCESS_KEY", server_.secret_key()};
  const std::shared_ptr<Store> store_ = value_of(open_store({.name = "", .path = path("store"), .meta = {}}));
};

TEST_F(InterruptedUploadTest, Goes_on_where_its_process_was_killed) {
  for (const std::uint64_t percent : {30, 60, 90}) {
    const std::string object = "sealed/s-t01000-" + std::to_string(percent);
    {
      const Processor killed = begin(object, percent);
    }
    finish(object);
  }
}

// As when a worker is restarted in good order.
TEST_F(InterruptedUploadTest, Stays_where_its_process_was_asked_to_end) {
  for (const bool by_signal : {true, false}) {
    const std::string object = by_signal ? "sealed/s-t01000-1" : "sealed/s-t01000-2";
    Processor processor = begin(object, 30);
    if (by_signal) processor.interrupt_by(SIGTERM);
    processor.wait();
    if (store_->stat({}, object)) continue;  // it was quicker
    EXPECT_GT(arrived(object), 0U) << object;
    finish(object);
  }
}

}  // namespace
}  // namespace scabbard::cli
