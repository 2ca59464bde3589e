// The real servers that other suites stand on.
#include "support/server_process.hpp"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <ostream>
#include <thread>

#include "support/child_process.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {
namespace {

struct Server {
  ServerKind kind;
  Transport transport;
};

std::string server_name(const ::testing::TestParamInfo<Server>& info) {
  return std::string(to_string(info.param.kind)) + (info.param.transport == Transport::kHttps ? "_https" : "_http");
}

void PrintTo(const Server& server, std::ostream* out) { *out << to_string(server.kind); }

class ServerProcessTest : public ::testing::TestWithParam<Server> {
 protected:
  void SetUp() override {
    const bool is_for_long_runs = GetParam().kind == ServerKind::kCeph;
    if (is_for_long_runs && std::getenv("SCABBARD_LONG_TESTS") == nullptr)
      GTEST_SKIP() << "only with SCABBARD_LONG_TESTS";
  }
  ServerProcess& server() { return ServerProcess::shared(GetParam().kind, GetParam().transport); }

  // The status of a GET that is not signed; 0 without an answer.
  long get(long limit_ms = 60'000) {
    const std::unique_ptr<CURL, void (*)(CURL*)> handle(::curl_easy_init(), ::curl_easy_cleanup);
    const std::string target = server().url() + "/";
    const std::string ca_file = server().ca_file();
    ::curl_easy_setopt(handle.get(), CURLOPT_URL, target.c_str());
    ::curl_easy_setopt(handle.get(), CURLOPT_NOBODY, 1L);
    ::curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, limit_ms);
    if (!ca_file.empty()) ::curl_easy_setopt(handle.get(), CURLOPT_CAINFO, ca_file.c_str());
    long status = 0;
    result_ = ::curl_easy_perform(handle.get());
    ::curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  CURLcode result_ = CURLE_OK;
};

TEST_P(ServerProcessTest, Answers_on_loopback) { EXPECT_NE(get(), 0) << ::curl_easy_strerror(result_); }

TEST_P(ServerProcessTest, Makes_a_bucket_once) {
  server().create_bucket("another");
  const bool owner_may_repeat = GetParam().kind == ServerKind::kCeph;
  if (!owner_may_repeat) {
    EXPECT_THROW(server().create_bucket("another"), std::runtime_error);
  }
}

TEST_P(ServerProcessTest, Answers_nothing_while_paused) {
  server().pause();
  EXPECT_EQ(get(200), 0);
  EXPECT_EQ(result_, CURLE_OPERATION_TIMEDOUT);
  server().resume();
  EXPECT_NE(get(), 0);
}

TEST_P(ServerProcessTest, Comes_back_with_its_buckets_after_it_was_killed) {
  server().create_bucket("kept");
  server().kill();
  EXPECT_EQ(get(), 0);
  EXPECT_EQ(result_, CURLE_COULDNT_CONNECT);
  server().restart();
  const bool owner_may_repeat = GetParam().kind == ServerKind::kCeph;
  if (!owner_may_repeat) {
    EXPECT_THROW(server().create_bucket("kept"), std::runtime_error);
  }
}

constexpr const char* kCrashes = "SCABBARD_TEST_CRASHES";
constexpr std::chrono::seconds kEndLimit{10};

TEST(ServerProcess, Does_not_outlive_a_test_that_crashes_and_leaves_no_files) {
  if (std::getenv(kCrashes) != nullptr) {
    const ServerProcess server(ServerKind::kVersitygw, Transport::kHttp);
    std::cout << "server:" << server.process() << ";" << std::endl;
    ::raise(SIGKILL);
  }
  const TemporaryFolder temporary;
  const ChildEnd end =
      run_again({"--gtest_filter=ServerProcess.Does_not_outlive_a_test_that_crashes_and_leaves_no_files"},
                {std::string(kCrashes) + "=1", "TMPDIR=" + temporary.string(), "GTEST_OUTPUT="});
  ASSERT_EQ(end.signal, SIGKILL) << end.output;
  const std::size_t at = end.output.find("server:");
  ASSERT_NE(at, std::string::npos) << end.output;
  const pid_t server = std::atoi(end.output.c_str() + at + 7);
  if (!ends_within(server, kEndLimit)) {
    ::kill(server, SIGKILL);
    FAIL() << "the server lives on";
  }
  const auto limit = std::chrono::steady_clock::now() + kEndLimit;
  while (!std::filesystem::is_empty(temporary.path()) && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(std::filesystem::is_empty(temporary.path()));
}

INSTANTIATE_TEST_SUITE_P(Real, ServerProcessTest,
                         ::testing::Values(Server{ServerKind::kVersitygw, Transport::kHttp},
                                           Server{ServerKind::kVersitygw, Transport::kHttps},
                                           Server{ServerKind::kMinio, Transport::kHttp},
                                           Server{ServerKind::kMinio, Transport::kHttps},
                                           Server{ServerKind::kCeph, Transport::kHttp},
                                           Server{ServerKind::kCeph, Transport::kHttps}),
                         server_name);

}  // namespace
}  // namespace scabbard
