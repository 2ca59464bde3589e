// A network that is slow and loses connections, between the store and a real server: all bytes arrive, up and down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/options.hpp"
#include "store/s3/s3_store.hpp"
#include "store/s3/settings.hpp"
#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/server_process.hpp"
#include "support/source_file.hpp"
#include "support/toxic_proxy.hpp"

namespace scabbard {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kLatency = 50;  // milliseconds
constexpr double kShareReset = 0.01;
constexpr auto kBetweenResets = 20ms;
// More than are used at once: some took the places of others.
constexpr std::uint64_t kLeastOpened = 7;
constexpr std::size_t kPiece = std::size_t{4} << 20;

bool is_long() { return std::getenv("SCABBARD_LONG_TESTS") != nullptr; }

std::uint64_t object_size() { return is_long() ? std::uint64_t{4} << 30 : (std::uint64_t{48} << 20) + 12'345; }

// The bytes of the object from `offset` on, a multiple of kPiece.
Bytes piece_at(std::uint64_t offset) {
  return pattern_bytes(offset / kPiece, std::min<std::uint64_t>(kPiece, object_size() - offset));
}

// Resets one connection or another of each hundred, again and again as long as it lives.
class Resets {
 public:
  explicit Resets(ToxicProxy& proxy)
      : thread_([&proxy](const std::stop_token& stop) {
          std::mutex mutex;
          std::condition_variable_any stopped;
          std::unique_lock lock(mutex);
          do {
            proxy.reset_some(kShareReset);
          } while (!stopped.wait_for(lock, stop, kBetweenResets, [&] { return stop.stop_requested(); }));
        }) {}

 private:
  std::jthread thread_;
};

class LossyNetwork : public ::testing::Test {
 protected:
  LossyNetwork() : proxy_(ServerProcess::shared(ServerKind::kVersitygw, Transport::kHttp).port()) {
    const ServerProcess& server = ServerProcess::shared(ServerKind::kVersitygw, Transport::kHttp);
    const std::string credentials = folder_ / "credentials";
    std::ofstream(credentials) << "[default]\naws_access_key_id = " << server.access_key()
                               << "\naws_secret_access_key = " << server.secret_key() << "\n";
    const std::map<std::string, std::string> options = {{"Endpoint", proxy_.url()},
                                                        {"Region", "us-east-1"},
                                                        {"CredentialsFile", credentials},
                                                        {"PartSize", is_long() ? "16MiB" : "5MiB"}};
    auto settings = value_of(s3::settings_of("s3://" + std::string(ServerProcess::kBucket) + "/lossy",
                                             value_of(Options::parse("s3", options)), {}));
    settings.state_folder = folder_ / "state";
    store_ = s3::open_store({.name = "lossy", .path = "", .meta = {}}, std::move(settings));
    proxy_.add_latency(kLatency);
  }

  // Again and again, until connections were lost.
  void do_until_disturbed(const std::function<void()>& step) {
    const std::uint64_t before = store_->stats().connections_opened;
    do {
      step();
    } while (!HasFailure() && store_->stats().connections_opened < before + kLeastOpened);
  }

  void read_and_compare() {
    const auto reader = value_of(store_->open(ctx(), "object"));
    ASSERT_EQ(reader->info().size, object_size());
    Bytes into(kPiece);
    for (std::uint64_t offset = 0; offset < object_size(); offset += kPiece) {
      const Bytes expected = piece_at(offset);
      std::size_t got = 0;
      while (got < expected.size()) {
        const auto read = reader->read(ctx(), std::span(into).subspan(got, expected.size() - got));
        ASSERT_THAT(read, Gives(::testing::Gt(0U))) << "at byte " << offset + got;
        got += *read;
      }
      ASSERT_EQ(describe_difference(expected, std::span(into).first(got)), "equal") << "from byte " << offset;
    }
    EXPECT_THAT(reader->read(ctx(), into), Gives(0U)) << "at the end";
  }

  Context ctx() const { return Context().with_timeout(is_long() ? 10min : 1min); }
  Store& store() { return *store_; }
  ToxicProxy& proxy() { return proxy_; }

 private:
  const TemporaryFolder folder_;
  ToxicProxy proxy_;
  std::shared_ptr<Store> store_;
};

TEST_F(LossyNetwork, Carries_a_file_up_and_down_unharmed) {
  SourceFile source;
  for (std::uint64_t offset = 0; offset < object_size(); offset += kPiece) source.write(offset, piece_at(offset));
  const Resets resets(proxy());
  do_until_disturbed([&] { ASSERT_THAT(store().put_file(ctx(), "object", source.whole()), Succeeds()); });
  do_until_disturbed([&] { read_and_compare(); });
}

TEST_F(LossyNetwork, Carries_a_stream_unharmed) {
  const Resets resets(proxy());
  do_until_disturbed([&] {
    const auto writer = value_of(store().create(ctx(), "object"));
    for (std::uint64_t offset = 0; offset < object_size(); offset += kPiece) {
      ASSERT_THAT(writer->write(ctx(), piece_at(offset)), Succeeds()) << "at byte " << offset;
    }
    ASSERT_THAT(writer->finish(ctx()), Succeeds());
  });
  read_and_compare();
}

}  // namespace
}  // namespace scabbard
