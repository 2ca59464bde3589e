#include "support/server_process.hpp"

#include <curl/curl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>

#include "support/child_process.hpp"
#include "support/secrets.hpp"
#include "support/server_program.hpp"

namespace scabbard {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartLimit{60};
constexpr std::chrono::milliseconds kBetweenTries{20};
constexpr int kPortsToTry = 3;
constexpr long kOk = 200;
constexpr long kBucketIsThere = 409;

std::string random_text(std::size_t size) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::random_device random;
  std::string text;
  while (text.size() < size) text += kLetters[random() % kLetters.size()];
  return text;
}

std::size_t ignore(const char*, std::size_t size, std::size_t count, void*) { return size * count; }

}  // namespace

std::string_view to_string(ServerKind kind) {
  switch (kind) {
    case ServerKind::kVersitygw:
      return "versitygw";
    case ServerKind::kMinio:
      return "minio";
    case ServerKind::kCeph:
      return "ceph";
  }
  return "unknown";
}

bool ServerProcess::is_installed(ServerKind kind) {
  const std::string path = kind == ServerKind::kCeph ? "/usr/bin/radosgw" : server_path(to_string(kind));
  return ::access(path.c_str(), X_OK) == 0;
}

ServerProcess& ServerProcess::shared(ServerKind kind, Transport transport) {
  struct Shared {
    std::unique_ptr<ServerProcess> server;
    std::string failure;  // told to every test at once, so that a hundred of them do not wait a minute each
  };
  static std::map<std::pair<ServerKind, Transport>, Shared> all;
  Shared& shared = all[{kind, transport}];
  if (!shared.failure.empty()) throw std::runtime_error(shared.failure);
  if (!shared.server) {
    try {
      shared.server = std::make_unique<ServerProcess>(kind, transport);
    } catch (const std::runtime_error& error) {
      shared.failure = error.what();
      throw;
    }
  }
  return *shared.server;
}

ServerProcess::ServerProcess(ServerKind kind, Transport transport, std::chrono::seconds certificate_valid_for)
    : kind_(kind),
      transport_(transport),
      access_key_(random_text(20)),
      secret_key_(std::string(kSecretMark) + random_text(40 - kSecretMark.size())) {
  if (!is_installed(kind)) {
    throw std::runtime_error(std::string(to_string(kind)) + " is not installed: scripts/servers, or scripts/need ceph");
  }
  for (const char* below : {"certs", "objects"}) std::filesystem::create_directory(folder_ / below);
  if (transport == Transport::kHttps) {
    certificates_ = make_certificates(folder_ / "certs", certificate_valid_for);
  }
  try {
    start_cluster();
    for (int tries = 1;; ++tries) {
      port_ = free_port();
      if (start()) return;
      if (tries == kPortsToTry) throw std::runtime_error(failure());
    }
  } catch (...) {
    end_server(process_);
    end_server(cluster_);
    throw;
  }
}

ServerProcess::~ServerProcess() {
  end_server(process_);
  end_server(cluster_);
}

std::string ServerProcess::url() const {
  return std::string(transport_ == Transport::kHttps ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_);
}

std::vector<std::string> ServerProcess::command() const {
  const bool secure = transport_ == Transport::kHttps;
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  std::vector<std::string> all;
  switch (kind_) {
    case ServerKind::kVersitygw:
      // By itself it closes every connection after one answer.
      all = {server_path("versitygw"), "--keep-alive", "--quiet", "--port", address};
      if (secure) all.insert(all.end(), {"--cert", certificates_.certificate, "--key", certificates_.key});
      all.insert(all.end(), {"posix", folder_ / "objects"});
      return all;
    case ServerKind::kMinio:
      return {server_path("minio"), "server",    "--quiet", "--certs-dir",
              folder_ / "certs",    "--address", address,   folder_ / "objects"};
    case ServerKind::kCeph:
      return {"/usr/bin/radosgw",
              "-c",
              folder_ / "ceph/ceph.conf",
              "-f",
              "-n",
              "client.rgw",
              "--rgw-frontends=beast " +
                  (secure ? "ssl_endpoint=" + address + " ssl_certificate=" + certificates_.certificate.string() +
                                " ssl_private_key=" + certificates_.key.string()
                          : "endpoint=" + address)};
  }
  return all;
}

std::vector<std::string> ServerProcess::environment() const {
  return {"ROOT_ACCESS_KEY=" + access_key_,
          "ROOT_SECRET_KEY=" + secret_key_,
          "MINIO_ROOT_USER=" + access_key_,
          "MINIO_ROOT_PASSWORD=" + secret_key_,
          "MINIO_CI_CD=1",  // takes a folder that is no disk of its own
          "MINIO_BROWSER=off",
          "MINIO_UPDATE=off"};
}

// What Ceph's gateway stands on.
void ServerProcess::start_cluster() {
  if (kind_ != ServerKind::kCeph) return;
  const std::filesystem::path folder = folder_ / "ceph";
  std::filesystem::create_directory(folder);
  cluster_ = spawn_mortal({SCABBARD_CEPH_CLUSTER, folder, std::to_string(free_port()), access_key_, secret_key_}, {},
                          folder_ / "log");
  const auto limit = Clock::now() + kStartLimit;
  while (!std::filesystem::exists(folder / "ready")) {
    if (Clock::now() >= limit || ends_within(cluster_, kBetweenTries)) throw std::runtime_error(failure());
  }
}

// False, and no process, where it ends by itself: somebody else may have taken the port.
bool ServerProcess::start() {
  process_ = spawn_mortal(command(), environment(), folder_ / "log");
  const auto limit = Clock::now() + kStartLimit;
  for (;;) {
    const long status = try_to_create_bucket(kBucket);
    if (status == kOk || status == kBucketIsThere) return true;
    if (Clock::now() >= limit) throw std::runtime_error(failure());
    if (!ends_within(process_, kBetweenTries)) continue;
    wait_for(process_);
    process_ = -1;
    return false;
  }
}

std::string ServerProcess::failure() const {
  return std::string(to_string(kind_)) + " does not start; the end of its log:\n" + end_of_log(folder_ / "log");
}

// The HTTP status, 0 without an answer.
long ServerProcess::try_to_create_bucket(std::string_view name) const {
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(::curl_easy_init(), ::curl_easy_cleanup);
  // Without this, the libcurl of Debian 12 signs what Ceph does not accept.
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(
      ::curl_slist_append(nullptr, "x-amz-content-sha256: UNSIGNED-PAYLOAD"), ::curl_slist_free_all);
  const std::string target = url() + "/" + std::string(name);
  ::curl_easy_setopt(handle.get(), CURLOPT_URL, target.c_str());
  ::curl_easy_setopt(handle.get(), CURLOPT_CUSTOMREQUEST, "PUT");
  ::curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(handle.get(), CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
  ::curl_easy_setopt(handle.get(), CURLOPT_USERNAME, access_key_.c_str());
  ::curl_easy_setopt(handle.get(), CURLOPT_PASSWORD, secret_key_.c_str());
  ::curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, ignore);
  ::curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(handle.get(), CURLOPT_PROXY, "");
  ::curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT, static_cast<long>(kStartLimit.count()));
  ::curl_easy_setopt(handle.get(), CURLOPT_SSL_VERIFYPEER, 0L);  // it is to start with any certificate
  long status = 0;
  if (::curl_easy_perform(handle.get()) != CURLE_OK) return 0;
  ::curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

void ServerProcess::create_bucket(std::string_view name) {
  const long status = try_to_create_bucket(name);
  if (status != kOk) {
    throw std::runtime_error("cannot create the bucket " + std::string(name) + ": status " + std::to_string(status));
  }
}

void ServerProcess::pause() {
  ::kill(process_, SIGSTOP);
  int status = 0;
  ::waitpid(process_, &status, WUNTRACED);
}

void ServerProcess::resume() { ::kill(process_, SIGCONT); }

void ServerProcess::kill() {
  ::kill(process_, SIGKILL);
  wait_for(process_);
  process_ = -1;
}

void ServerProcess::restart() {
  if (!start()) throw std::runtime_error(failure());
}

}  // namespace scabbard
